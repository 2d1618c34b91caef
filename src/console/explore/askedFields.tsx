import { useEffect, useId, useRef, useState } from 'preact/hooks'
import type { FeatureValues } from '../../client/types.ts'
import type { ConsoleApi } from '../api/consoleApi.ts'
import type { ModelFeature } from '../api/modelFeatures.ts'
import { sampleUser } from '../api/rows.ts'
import { DraftInput } from '../parts/draftInput.tsx'
import { ErrorNote } from '../parts/errorNote.tsx'
import { useCall } from '../parts/useCall.ts'
import { ContextField } from './contextField.tsx'
import { describeRow } from './describeRow.ts'
import type { Asked } from './exploreState.ts'

export interface AskedFieldsProps {
  api: ConsoleApi
  context: readonly ModelFeature[]
  asked: Asked
  onAsked: (asked: Asked) => void
}

/** A few words about a user; nothing if there is no such user, or nothing but numbers. */
function UserWords({ api, user }: { api: ConsoleApi; user: string }) {
  const { value } = useCall(
    user === ''
      ? undefined
      : async (signal) => ({ user, row: await api.client.getUser<FeatureValues>(user, { signal }) }),
    [api, user],
  )
  const words = value?.row && value.user === user ? describeRow(value.row) : ''
  return words === '' ? null : <p class="user-words">{words}</p>
}

/** For whom, and in which context, a request asks. */
export function AskedFields({ api, context, asked, onAsked }: AskedFieldsProps) {
  const id = useId()
  const [error, setError] = useState<unknown>()
  const latest = useRef<Asked | null>(asked) // null: the request is no longer there
  latest.current = asked
  useEffect(
    () => () => {
      latest.current = null
    },
    [],
  )
  const takeRandom = async (): Promise<void> => {
    setError(undefined)
    try {
      const user = await sampleUser(api)
      const now = latest.current // somebody may have chosen something meanwhile
      if (user && now) onAsked({ ...now, user: String(user.id) })
    } catch (reason) {
      setError(reason)
    }
  }
  return (
    <div class="asked-fields">
      <div class="field user-field">
        <label for={id}>User id</label>
        <DraftInput
          id={id}
          value={asked.user}
          onCommit={(text) => onAsked({ ...asked, user: text.trim() })}
        />
        <button type="button" onClick={() => void takeRandom()}>
          Random
        </button>
        <UserWords api={api} user={asked.user} />
      </div>
      {context.map((feature) => (
        <ContextField
          key={feature.name}
          feature={feature}
          texts={Object.hasOwn(asked.context, feature.name) ? asked.context[feature.name] : []}
          onTexts={(texts) => onAsked({ ...asked, context: { ...asked.context, [feature.name]: texts } })}
        />
      ))}
      {error !== undefined && <ErrorNote error={error} />}
    </div>
  )
}
