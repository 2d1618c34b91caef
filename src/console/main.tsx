import { render } from 'preact'
import { App } from './app.tsx'
import { pageSetting } from './pageSetting.ts'
import { serverRoot } from './api/serverRoot.ts'

const place = document.getElementById('console')
if (place) render(<App root={serverRoot()} needsKey={pageSetting('keys') === 'required'} />, place)
