/** A number within bounds; null: the text is none. */
export function numberOf(text: string | null, min: number, max: number): number | null {
  if (text === null || text.trim() === '') return null
  const value = Number(text)
  return value >= min && value <= max ? value : null
}
