// Children as arguments instead of a property take 3 kB less in all of the plugin; the build puts these names in.
export { Fragment as DrawnFragment, h as drawn } from 'preact';
