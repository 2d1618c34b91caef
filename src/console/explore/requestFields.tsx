import { useId } from 'preact/hooks'
import { NumberField } from '../parts/numberField.tsx'
import { type ExploreState, REACH_M_MAX, SIZE_MAX } from './exploreState.ts'

export interface RequestFieldsProps {
  state: ExploreState
  onChange: (change: Partial<ExploreState>) => void
}

/** Where, how far, how many, in which order: what all requests have in common. */
export function RequestFields({ state, onChange }: RequestFieldsProps) {
  const id = useId()
  const { latitude, longitude, reachM, size, byDistance } = state
  return (
    <div class="field-grid">
      <NumberField
        label="Latitude"
        value={latitude}
        min={-90}
        max={90}
        onValue={(value) => onChange({ latitude: value })}
      />
      <NumberField
        label="Longitude"
        value={longitude}
        min={-180}
        max={180}
        onValue={(value) => onChange({ longitude: value })}
      />
      <NumberField
        label="Reach, km"
        value={reachM / 1000}
        min={0.001}
        max={REACH_M_MAX / 1000}
        onValue={(value) => onChange({ reachM: Math.round(1000 * value) })}
      />
      <NumberField
        label="Restaurants"
        value={size}
        min={1}
        max={SIZE_MAX}
        step={1}
        onValue={(value) => onChange({ size: Math.round(value) })}
      />
      <p class="field">
        <label for={id}>Order</label>
        <select
          id={id}
          value={byDistance ? 'distance' : 'score'}
          onChange={(event) => onChange({ byDistance: event.currentTarget.value === 'distance' })}
        >
          <option value="score">best first</option>
          <option value="distance">nearest first</option>
        </select>
      </p>
    </div>
  )
}
