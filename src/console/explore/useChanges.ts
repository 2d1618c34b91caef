import { useRef } from 'preact/hooks'
import type { ViewProps } from '../viewProps.ts'
import { addressNote } from './addressNote.ts'
import { type ExploreState, formatState } from './exploreState.ts'

/**
 * Two ways to change the state, and what was wrong with the address that somebody came with: to be told until
 * whoever looks changes something, not just until what was missing is filled in.
 */
export function useChanges({
  params,
  unknownView,
  latest,
  setParams,
}: Pick<ViewProps, 'params' | 'setParams'> & {
  unknownView: string | undefined
  latest: { readonly current: ExploreState }
}) {
  const note = useRef('')
  const written = useRef('none yet')
  if (params.toString() !== written.current) {
    note.current = addressNote(params, unknownView)
    written.current = params.toString()
  }
  const fill = (part: Partial<ExploreState>): void => {
    const changed = formatState(Object.assign(latest.current, part))
    written.current = changed.toString()
    setParams(changed)
  }
  const change = (part: Partial<ExploreState>): void => {
    note.current = ''
    fill(part)
  }
  return { note: note.current, fill, change }
}
