import { createStore, type Store } from './store.ts';

export const themes = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const key = 'opus-theme';

/** What the person chose, kept in this browser; `auto` goes by the system. */
export function createTheme(): Store<Theme> {
  const store = createStore<Theme>(kept());
  const system = matchMedia('(prefers-color-scheme: dark)');
  const apply = (): void => {
    const theme = store.get();
    const isDark = theme === 'dark' || (theme === 'auto' && system.matches);
    document.documentElement.style.colorScheme = isDark ? 'dark' : 'light';
    document.body.classList.toggle('theme-dark', isDark);
    document.body.classList.toggle('theme-light', !isDark);
  };
  apply();
  system.addEventListener('change', apply);
  store.onChange(() => {
    apply();
    try {
      localStorage.setItem(key, store.get());
    } catch {
      // A browser that keeps nothing goes by the system the next time.
    }
  });
  return store;
}

function kept(): Theme {
  try {
    const found = localStorage.getItem(key);
    return themes.find((theme) => theme === found) ?? 'auto';
  } catch {
    return 'auto';
  }
}
