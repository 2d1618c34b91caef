import { NearrankError } from '../../errors.ts'
import { shown } from '../../shown.ts'

const PLACEHOLDERS = ['{z}', '{x}', '{y}']

/** The origin of an address of map tiles such as `https://tiles.example/{z}/{x}/{y}.png`. @throws USAGE */
export function mapTilesOrigin(address: string): string {
  const url = URL.parse(address)
  const isAddress = url !== null && (url.protocol === 'https:' || url.protocol === 'http:')
  const found: string[] = address.match(/\{[^}]*\}/g) ?? []
  if (!isAddress || PLACEHOLDERS.some((part) => !found.includes(part)))
    throw new NearrankError(
      'USAGE',
      `Cannot use --map-tiles: it must be an address with {z}, {x} and {y}, as https://tiles.example/{z}/{x}/{y}.png, found ${shown(address)}`,
    )
  const other = found.find((part) => !PLACEHOLDERS.includes(part) && part !== '{r}')
  if (other !== undefined || url.host.includes('{') || url.host.includes('%'))
    throw new NearrankError(
      'USAGE',
      `Cannot use --map-tiles: it may have {z}, {x}, {y} and {r} in its path alone, found ${shown(other ?? url.host)}; name one host`,
    )
  return url.origin
}
