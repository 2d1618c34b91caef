import { formatCount } from '../../../format.ts'
import { foldedTable } from '../../../report/dataTable.ts'
import { type Dot, dotChart } from '../../../report/dotChart.ts'
import type { Markup } from '../../../report/markup.ts'
import { cards, figure } from '../../../report/page.ts'
import type { Verdict } from '../../../report/verdict.ts'
import type { JudgedSlice } from '../../judgement/sliceJudge.ts'
import { intervalText } from '../judgementTables.ts'

const FEW_ROWS = 1000
const WIDE = 0.05 // of the AUC between the best and the worst value of a slice

/** A picture and a table for each feature by which the rows were parted. */
export function sliceFigures(slices: readonly JudgedSlice[], ordersOnly: boolean): Markup {
  const names = Array.from(new Set(slices.map(({ slice }) => slice)))
  return cards(
    ...names.map((name, i) =>
      sliceFigure(
        name,
        slices.filter(({ slice }) => slice === name),
        { place: i, ordersOnly },
      ),
    ),
  )
}

function sliceFigure(
  name: string,
  values: readonly JudgedSlice[],
  { place, ordersOnly }: { place: number; ordersOnly: boolean },
): Markup {
  const ofProbabilities = ordersOnly ? [] : ['log loss', 'calibration error']
  const dots = values.flatMap((one): Dot[] =>
    one.auc === null
      ? []
      : [{ name: `${nameOf(one)}, ${formatCount(one.rows)} rows`, value: one.auc, style: 1 }],
  )
  const figures = (value: number | null | undefined) => value?.toFixed(5) ?? '–'
  return figure({
    heading: `AUC by ${name}`,
    verdict: sliceVerdict(values),
    picture: dotChart({
      id: `slice-${place}`,
      title: `AUC of the rows with each value of ${name}`,
      description: dots.map((dot) => `${dot.name}: ${dot.value.toFixed(4)}.`).join(' '),
      axis: { label: 'AUC, higher is better', format: (value) => String(Number(value.toFixed(3))) },
      format: (value) => value.toFixed(4),
      dots,
    }),
    table: foldedTable(`Numbers by ${name}`, {
      head: [name, 'rows', 'click rate', 'AUC', ...ofProbabilities, 'NDCG@10', '95 % interval'],
      rows: values.map((one) => {
        const ndcg10 = one.byGroup?.rankings.model?.ndcg10 ?? null
        return [
          nameOf(one),
          formatCount(one.rows),
          figures(one.clickRate),
          figures(one.auc),
          ...(ordersOnly ? [] : [figures(one.logLoss), figures(one.calibrationError)]),
          figures(ndcg10?.value),
          intervalText(ndcg10),
        ]
      }),
    }),
  })
}

function nameOf({ is, value }: JudgedSlice): string {
  return value ?? `(${is})`
}

/** Whether the model is much worse for some value; values of few rows are left out. */
function sliceVerdict(values: readonly JudgedSlice[]): Verdict {
  const judged = values.flatMap((one) =>
    one.auc === null || one.rows < FEW_ROWS ? [] : [{ one, auc: one.auc }],
  )
  if (judged.length < 2)
    return {
      grade: 'plain',
      word: 'few rows',
      text: `Fewer than two values have ${formatCount(FEW_ROWS)} rows.`,
    }
  const worst = judged.reduce((least, other) => (other.auc < least.auc ? other : least))
  const best = judged.reduce((most, other) => (other.auc > most.auc ? other : most))
  const text = `The AUC is lowest for ${nameOf(worst.one)} (${worst.auc.toFixed(4)}) and highest for ${nameOf(best.one)} (${best.auc.toFixed(4)}).`
  return best.auc - worst.auc > WIDE
    ? { grade: 'fair', word: 'uneven', text }
    : { grade: 'good', word: 'even', text }
}
