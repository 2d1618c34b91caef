import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { runCli, runCliLines } from './runCli.ts'

const run = promisify(execFile)
const SHELLS = ['bash', 'zsh', 'fish'] as const

async function isThere(shell: string): Promise<boolean> {
  return run(shell, ['-c', 'exit']).then(
    () => true,
    () => false,
  )
}

/** Not here: the reason; in CI a failure. */
async function skipsWithout(shell: string): Promise<string | false> {
  if (process.env.NEARRANK_CI || (await isThere(shell))) return false
  return `${shell} is not installed`
}

const skips = Object.fromEntries(
  await Promise.all(SHELLS.map(async (shell) => [shell, await skipsWithout(shell)] as const)),
)

describe('completion', () => {
  let folder = ''
  const scripts = new Map<string, string>()
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nearrank-completion-'))
    for (const shell of SHELLS) {
      const { code, stdout, stderr } = await runCli(['completion', shell])
      assert.deepEqual([code, stderr], [0, ''])
      scripts.set(shell, join(folder, shell))
      await writeFile(join(folder, shell), stdout)
    }
  })
  after(() => rm(folder, { recursive: true, force: true }))

  const LINES: [words: string[], wanted: string[]][] = [
    [['tra'], ['train']],
    [['train', '--pre'], ['--preset']],
    [
      ['train', '--data', 'd', '--preset', 'refe'],
      ['reference', 'reference-128'],
    ],
    [['train', '--turbo', 'a'], ['auto']],
    [['serve', '--qui'], ['--quiet']],
    [['completion', 'z'], ['zsh']],
  ]

  test('bash', { skip: skips.bash }, async () => {
    const completed = async (words: string[]) => {
      const script = `source ${scripts.get('bash')!}; COMP_WORDS=(nearrank "$@"); COMP_CWORD=$#; _nearrank; printf '%s\\n' "\${COMPREPLY[@]}"`
      return (await run('bash', ['-c', script, 'bash', ...words])).stdout.trim().split('\n')
    }
    for (const [words, wanted] of LINES) assert.deepEqual(await completed(words), wanted, words.join(' '))
    assert.deepEqual(await completed(['train', '--data', '']), ['']) // bash itself offers files
    assert.ok((await completed([''])).includes('inspect'))
    assert.deepEqual(await completed(['--quiet', 'train', '--pre']), ['--preset'])
    assert.deepEqual(await completed(['--quiet', 'tra']), ['train'])
  })

  test('fish', { skip: skips.fish }, async () => {
    for (const [words, wanted] of LINES) {
      const line = ['nearrank', ...words].join(' ')
      const { stdout } = await run('fish', ['-c', `source ${scripts.get('fish')!}; complete -C '${line}'`])
      const completed = stdout.trim().split('\n')
      assert.deepEqual(
        completed.map((one) => one.split('\t', 1)[0]),
        wanted,
        line,
      )
    }
  })

  // To see what zsh makes of it would take a terminal: its own functions are asked instead.
  test('zsh', { skip: skips.zsh }, async () => {
    const asked = async (words: string[]) => {
      const script = `compdef() {}; _arguments() { print -rl -- "$@" }; _describe() { print -rl -- $commands }; source ${scripts.get('zsh')!}; words=(nearrank "$@"); CURRENT=$#words; _nearrank`
      return (await run('zsh', ['-f', '-c', script, 'zsh', ...words])).stdout.trim().split('\n')
    }
    assert.ok((await asked(['tra'])).includes('train:train a model on Parquet files'))
    const specs = await asked(['train', '--pre'])
    assert.ok(specs.some((spec) => /^\*--preset\[.*\]:value:\(default reference reference-128\)$/.test(spec)))
    assert.ok(specs.some((spec) => /^\*--data\[.*\]:value:_files$/.test(spec)))
    assert.ok(specs.some((spec) => /^\*--resume(\[.*\])?$/.test(spec)))
    assert.ok((await asked(['completion', 'z'])).includes('1:value:(bash zsh fish)'))
    const { stdout } = await run('zsh', [
      '-f',
      '-c',
      `autoload -U compinit; compinit -u -d ${join(folder, 'dump')}; source ${scripts.get('zsh')!}; print $_comps[nearrank]`,
    ])
    assert.equal(stdout.trim(), '_nearrank')
    // As a file of the fpath, whose first call is the function itself.
    await copyFile(scripts.get('zsh')!, join(folder, '_nearrank'))
    const script = `_arguments() {}; _describe() { print -rl -- $commands }; fpath=(${folder}); autoload -U _nearrank; words=(nearrank tra); CURRENT=2; _nearrank`
    const loaded = await run('zsh', ['-f', '-c', script])
    assert.match(loaded.stdout, /^train:train a model/m)
  })

  test('of another shell is refused', async () => {
    const wanted = 'nearrank: Cannot complete: the shell must be one of bash, zsh, fish, found'
    const results = await runCliLines([['completion', 'bish'], ['completion', 'powershell'], ['completion']])
    assert.deepEqual(results, [
      { code: 2, stdout: '', stderr: `${wanted} "bish". Did you mean bash?\n` },
      { code: 2, stdout: '', stderr: `${wanted} "powershell"\n` },
      { code: 2, stdout: '', stderr: `${wanted} none; give one, as in nearrank completion bash\n` },
    ])
  })
})
