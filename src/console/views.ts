import type { ComponentType } from 'preact'
import type { ViewName } from './address.ts'
import type { ViewProps } from './viewProps.ts'

interface View {
  title: string
  load: () => Promise<ComponentType<ViewProps>> // with all that it needs, when it is first shown
}

export const VIEWS: Readonly<Record<ViewName, View>> = {
  explore: {
    title: 'Explore',
    load: async () => (await import('./explore/exploreView.tsx')).ExploreView,
  },
  live: { title: 'Live', load: async () => (await import('./live/liveView.tsx')).LiveView },
  model: { title: 'Model', load: async () => (await import('./model/modelView.tsx')).ModelView },
  rows: { title: 'Rows', load: async () => (await import('./rows/rowsView.tsx')).RowsView },
}
