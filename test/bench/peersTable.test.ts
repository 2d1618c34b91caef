import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { markdownTable, replaceSection, wrap } from '../../bench/peers/markdown.ts'
import { statTicks } from '../../bench/peers/processTree.ts'
import { servingTable } from '../../bench/peers/servingTable.ts'
import { ratiosOf, ratioText, spreadOf, spreadText } from '../../bench/peers/spread.ts'
import { trainingTable, verdict } from '../../bench/peers/trainingTable.ts'
import type { ServingRun, TrainingRounds, TrainingRun } from '../../bench/peers/types.ts'

const MIB = 2 ** 20

describe('spread', () => {
  test('the median of an odd and of an even number of figures, in any order', () => {
    assert.deepEqual(spreadOf([3, 1, 2]), { median: 2, lowest: 1, highest: 3 })
    assert.deepEqual(spreadOf([10, 1, 4, 2]), { median: 3, lowest: 1, highest: 10 })
    assert.throws(() => spreadOf([]), RangeError)
  })

  test('half of the figures are on either side of the median', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { minLength: 1 }), (figures) => {
        const { median, lowest, highest } = spreadOf(figures)
        assert.ok(figures.filter((figure) => figure <= median).length >= figures.length / 2)
        assert.ok(figures.filter((figure) => figure >= median).length >= figures.length / 2)
        assert.equal(lowest, Math.min(...figures))
        assert.equal(highest, Math.max(...figures))
      }),
    )
  })

  test('the range is left out where it reads like the median', () => {
    const oneDigit = (figure: number) => figure.toFixed(1)
    assert.equal(spreadText([1, 3, 2], oneDigit), '2.0 (1.0–3.0)')
    assert.equal(spreadText([2.01, 2, 1.99], oneDigit), '2.0')
  })

  test("each round's ratio is of its own figures: 2, 5 and 3, not that of the medians", () => {
    assert.deepEqual(ratiosOf([20, 100, 60], [10, 20, 20]), [2, 5, 3])
    assert.equal(ratioText([20, 100, 60], [10, 20, 20]), '3.0 × (2.0–5.0)')
    assert.equal(ratioText([2500], [100]), '25 ×')
    assert.equal(ratioText([2500], [0]), '–')
  })
})

describe('the marked section', () => {
  const page = 'above\n<!-- peers:begin -->\nold\n<!-- peers:end -->\nbelow\n'

  test('only what lies between the marks is replaced, as often as wanted', () => {
    const once = replaceSection(page, 'new\n')
    assert.equal(once, 'above\n<!-- peers:begin -->\nnew\n<!-- peers:end -->\nbelow\n')
    assert.equal(replaceSection(once, 'new'), once)
    assert.match(replaceSection(page, '$& $1'), /\n\$& \$1\n/)
  })

  test('marks that are missing, doubled or the wrong way round are refused', () => {
    for (const wrong of [
      'above\nbelow\n',
      page.replace('<!-- peers:end -->', ''),
      page.replace('<!-- peers:begin -->', ''),
      page + page,
      '<!-- peers:end -->\n<!-- peers:begin -->\n',
    ])
      assert.throws(() => replaceSection(wrong, 'new'), /each once/)
  })

  test('prose has lines of at most 110 characters and keeps its words; a table has its figures to the right', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z–×]{1,30}$/), { minLength: 1 }), (words) => {
        const lines = wrap(words.join(' ')).split('\n')
        assert.ok(lines.every((line) => line.length <= 110))
        assert.deepEqual(lines.join(' ').split(' '), words)
      }),
    )
    assert.equal(markdownTable(['', 'a'], [['b', '1']]), '|  | a |\n| --- | ---: |\n| b | 1 |')
  })
})

describe('training', () => {
  test('each side beside Nearrank: speed of the epoch and with packing, memory, accuracy', () => {
    const [streaming] = rowOf(trainingTable(rounds()), 'PyTorch, streaming')
    assert.deepEqual(streaming, [
      '200,000',
      '4 min 10 s',
      '10 ×',
      '8.3 ×',
      '5.0 ×',
      '9.00 s',
      '1.2 GiB',
      '3.0 ×',
      '0.9500',
    ])
    const [packed] = rowOf(trainingTable(rounds()), 'with packing')
    assert.equal(packed[0], '1,000,000')
  })

  test('LightGBM may be left out', () => {
    const { lightgbm: _, ...round } = rounds()[0]
    assert.doesNotMatch(trainingTable([round]), /LightGBM/)
    assert.match(trainingTable(rounds()), /LightGBM: 60 rounds/)
  })

  test('the comparison counts only with the same steps and accuracies within 0.005', () => {
    assert.match(verdict(rounds()), /0\.0000 apart/)
    assert.match(verdict(rounds({ accuracy: 0.9449 })), /^\*\*This comparison does not count.*0\.0051 apart/)
    assert.doesNotMatch(verdict(rounds({ accuracy: 0.9451 })), /\*\*/)
    assert.match(verdict(rounds({ steps: 611 })), /^\*\*This comparison does not count.*steps/)
    assert.match(trainingTable(rounds({ accuracy: 0.5 })), /\*\*This comparison does not count/)
  })

  test('LightGBM, which makes no steps, is not held to them', () => {
    const [round] = rounds()
    assert.doesNotMatch(verdict([{ ...round, lightgbm: training({ steps: 60, accuracy: 0.8 }) }]), /\*\*/)
  })
})

describe('serving', () => {
  const agreement = { requests: 200, sameIds: 199, maxScoreDifference: 3e-7, maxDisplacementDifference: 5e-4 }

  test('rates, ratios, latencies, processor time and memory, those of Redis beside', () => {
    const table = servingTable({
      agreements: { redis: agreement },
      rounds: [
        { nearrank: server(9000), redis: server(150, { cpuRate: 75, redisCpuMs: 0.5, redisBytes: MIB }) },
      ],
    })
    assert.deepEqual(rowOf(table, 'Nearrank, 2 workers'), [
      ['9,000', '', '1.00, 2.00, 3.00 ms', '4.00 ms', '100 MiB'],
    ])
    assert.deepEqual(rowOf(table, 'FastAPI, features from Redis, 2 workers'), [
      ['150', '60 ×', '1.00, 2.00, 3.00 ms', '4.00 + 0.50 ms at 75/s', '100 MiB + 1 MiB'],
    ])
    assert.match(table, /199 of\s200 answers/)
    assert.doesNotMatch(table, /NumPy/)
  })

  test('requests that failed are told in bold', () => {
    const table = servingTable({
      agreements: { memory1: agreement },
      rounds: [{ nearrank: server(9000), memory1: server(450, { failed: 7 }) }],
    })
    assert.match(table, /\*\*7 requests at fixed rates failed\.\*\*/)
  })
})

describe('the process tree', () => {
  test('times are read behind a name with spaces and brackets: 10 + 20 + 30 + 40 ticks', () => {
    assert.equal(statTicks('42 (a) b) c) S 1 1 1 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 9 0'), 100)
  })
})

function rounds(streaming: Partial<TrainingRun> = {}): TrainingRounds {
  const peer = training({ epochSeconds: 5, wholeSeconds: 9, peakBytes: 1200 * 1.024 * MIB })
  return [
    {
      nearrank: training({ packSeconds: 0.5, ownPeakBytes: 400 * MIB }),
      plain: training({ epochSeconds: 0.6 }),
      streaming: { ...peer, ...streaming },
      tuned: peer,
      folded: peer,
      lightgbm: { ...peer, steps: 60 },
    },
  ]
}

function training(figures: Partial<TrainingRun>): TrainingRun {
  return {
    rows: 1_000_000,
    steps: 977,
    threads: 2,
    epochSeconds: 0.5,
    packSeconds: 0,
    wholeSeconds: 3,
    peakBytes: 400 * 1.024 * MIB,
    ownPeakBytes: null,
    accuracy: 0.95,
    ...figures,
  }
}

function server(highestRate: number, figures: Partial<ServingRun> = {}): ServingRun {
  return {
    highestRate,
    latencyMs: { p50: 1, p95: 2, p99: 3 },
    cpuRate: 300,
    cpuMs: 4,
    redisCpuMs: null,
    peakBytes: 100 * MIB,
    redisBytes: null,
    failed: 0,
    ...figures,
  }
}

/** Cells behind the name, of every row that has it. */
function rowOf(table: string, name: string): string[][] {
  return table
    .split('\n')
    .filter((line) => line.startsWith(`| ${name} |`))
    .map((line) =>
      line
        .split('|')
        .slice(2, -1)
        .map((cell) => cell.trim()),
    )
}
