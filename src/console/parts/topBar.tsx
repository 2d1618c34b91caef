import { VIEW_NAMES, type ViewName } from '../address.ts'
import { VIEWS } from '../views.ts'
import { KeyButton } from './keyButton.tsx'

export interface TopBarProps {
  current: ViewName
  linkTo: (view: ViewName) => string
  onForgetKey?: () => void // absent: there is no key
}

export function TopBar({ current, linkTo, onForgetKey }: TopBarProps) {
  return (
    <header class="top-bar">
      <p class="brand">
        <BrandMark />
        Nearrank
      </p>
      <nav aria-label="Views">
        <ul>
          {VIEW_NAMES.map((view) => (
            <li key={view}>
              <a href={linkTo(view)} aria-current={view === current ? 'page' : undefined}>
                {VIEWS[view].title}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      {onForgetKey && <KeyButton onForget={onForgetKey} />}
    </header>
  )
}

function BrandMark() {
  return (
    <svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
      <path d="M16 2a11 11 0 0 0-11 11c0 8 11 17 11 17s11-9 11-17A11 11 0 0 0 16 2z" fill="currentColor" />
      <circle cx="16" cy="13" r="4.4" class="brand-hole" />
    </svg>
  )
}
