import { type Markup, markup, type Part } from '../../../report/markup.ts'
import { paragraph, type Section } from '../../../report/page.ts'

/** The section of a page that tells how much each feature counts. */
export function importanceSection(content: Part): Section {
  return { id: 'importance', heading: 'Feature importance', content }
}

export const importanceHint: Markup = paragraph(
  markup`Not measured yet. <code>nearrank importance --data DIR --model DIR</code> measures how much worse the model is without what each feature says, and puts the result here.`,
)
