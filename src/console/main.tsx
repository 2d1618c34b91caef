import { render } from 'preact'
import { App } from './app.tsx'
import { serverRoot } from './api/serverRoot.ts'

const setting = (name: string) =>
  document.querySelector<HTMLMetaElement>(`meta[name="nearrank-${name}"]`)?.content ?? ''

const place = document.getElementById('console')
if (place) render(<App root={serverRoot()} needsKey={setting('keys') === 'required'} />, place)
