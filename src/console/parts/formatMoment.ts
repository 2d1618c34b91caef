/** `27 Nov 2026, 20:14`, in the time zone of the browser; a text that is no time stays as it is. */
export function formatMoment(iso: string): string {
  const date = new Date(iso)
  if (Number.isNaN(date.getTime())) return iso
  return date.toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' })
}
