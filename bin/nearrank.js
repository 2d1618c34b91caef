#!/usr/bin/env node
// Plain JavaScript without an import that an older Node lacks, so that an old Node gets a sentence and not a stack trace.
const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  console.error(
    `nearrank: needs Node 24 or newer, found ${process.versions.node}. Install a newer Node, or run it through npx in a clone, which brings its own.`,
  )
  process.exitCode = 1
} else {
  await import('../dist/cli/main.js').catch((error) => {
    const [, what, name] = /^Cannot find (module|package) '(.*?)'/.exec(error.message) ?? []
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || what === undefined) throw error
    console.error(
      what === 'package'
        ? `nearrank: the package ${name} must be installed, found none. Run npm ci (in a clone) or npm install.`
        : 'nearrank: is not built yet. In a clone, run: npm run build',
    )
    process.exitCode = 1
  })
}
