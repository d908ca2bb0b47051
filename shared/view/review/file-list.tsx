import { counted } from '../../view-model/formats.ts';
import type { DiffFileModel } from '../../view-model/diff-model.ts';
import { Icon } from '../frame/icon.tsx';

export interface FileListOptions {
  readonly files: readonly DiffFileModel[];
  readonly onShow: (path: string) => void;
}

export function FileList({ files, onShow }: FileListOptions) {
  return (
    <nav aria-label="Changed files">
      <ul class="opus-files">
        {files.map(({ path, added, removed, remarkCount }) => (
          <li key={path}>
            <button
              type="button"
              class="opus-link"
              onClick={() => {
                onShow(path);
              }}
            >
              <span class="opus-path">{path}</span>
              {remarkCount > 0 && (
                <span class="opus-mark" title={counted(remarkCount, 'remark')}>
                  <Icon name="message-square" />
                  {remarkCount}
                  <span class="opus-hidden"> remarks</span>
                </span>
              )}
              <span class="opus-added">+{added}</span>
              <span class="opus-removed">−{removed}</span>
            </button>
          </li>
        ))}
      </ul>
    </nav>
  );
}
