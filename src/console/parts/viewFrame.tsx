import { Component, type ComponentChildren, type ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { ViewName } from '../address.ts'
import type { ViewProps } from '../viewProps.ts'
import { VIEWS } from '../views.ts'
import { ErrorNote } from './errorNote.tsx'

/** One view, loaded when it is first shown. */
export function ViewFrame({ view, ...props }: ViewProps & { view: ViewName }) {
  const [loaded, setLoaded] = useState<{ view: ViewName; View: ComponentType<ViewProps> }>()
  const [error, setError] = useState<unknown>()
  useEffect(() => {
    let isWanted = true
    const { title, load } = VIEWS[view]
    document.title = `${title} · Nearrank`
    setError(undefined)
    load().then(
      (View) => isWanted && setLoaded({ view, View }),
      (reason: unknown) => isWanted && setError(reason),
    )
    return () => {
      isWanted = false
    }
  }, [view])
  if (error !== undefined) return <ErrorNote error={error} />
  if (loaded?.view !== view)
    return (
      <p class="loading" role="status">
        Loading…
      </p>
    )
  return (
    <ErrorBoundary key={view}>
      <loaded.View {...props} />
    </ErrorBoundary>
  )
}

/** Shows what a view has thrown: a bug of its own. */
class ErrorBoundary extends Component<{ children: ComponentChildren }, { error?: unknown }> {
  override componentDidCatch(error: unknown): void {
    this.setState({ error })
  }

  override render({ children }: { children: ComponentChildren }, { error }: { error?: unknown }) {
    return error === undefined ? children : <ErrorNote error={error} />
  }
}
