import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runCli } from '../cli/runCli.ts'
import { dockerfile, kustomization, PORT, server, services, text, valkey } from './deployFiles.ts'

describe('compose', () => {
  test('nothing is root, nothing writes outside of its volumes, nothing may become more', () => {
    assert.deepEqual(Object.keys(services), ['nearrank', 'load', 'valkey'])
    for (const [name, service] of Object.entries(services)) {
      assert.equal(service.read_only, true, name)
      assert.deepEqual(service.cap_drop, ['ALL'], name)
      assert.deepEqual(service.security_opt, ['no-new-privileges:true'], name)
      assert.match(service.mem_limit, /^\d+[mg]$/, name)
      assert.ok(service.pids_limit > 0, name)
    }
    assert.match(services.valkey.user ?? '', /^[1-9]\d*:/)
  })

  test('the server is reached from this machine only, its model is mounted read-only, it has time to drain', () => {
    const { ports, volumes, command, stop_grace_period: grace } = services.nearrank
    assert.deepEqual(ports, [`127.0.0.1:${PORT}:${PORT}`])
    assert.deepEqual(
      volumes.map((volume) => typeof volume === 'object' && volume.read_only && volume.target),
      ['/model'],
    )
    const drainSeconds = Number(command[command.indexOf('--drain-seconds') + 1])
    assert.ok(drainSeconds > 0 && Number.parseInt(grace ?? '', 10) >= drainSeconds + 5)
    assert.equal(services.nearrank.depends_on?.valkey.condition, 'service_healthy')
    assert.equal(services.valkey.ports, undefined)
  })

  test('Valkey keeps what it acknowledged, and runs alike in both', () => {
    const [{ args, image }] = valkey.spec.template.spec.containers
    assert.deepEqual(args, services.valkey.command)
    assert.equal(image, services.valkey.image)
    const pairs = args.slice(1).join(' ')
    for (const pair of ['--appendonly yes', '--appendfsync always', '--maxmemory-policy noeviction'])
      assert.ok(pairs.includes(pair), pair)
    assert.deepEqual(services.valkey.healthcheck?.test, ['CMD', 'valkey-cli', '-e', 'ping'])
  })
})

describe('both', () => {
  test('images are pinned to a version', () => {
    const { version } = JSON.parse(text('package.json')) as { version: string }
    assert.deepEqual(
      kustomization.images.map(({ newTag }) => newTag),
      [version],
    )
    for (const { image } of [server, ...Object.values(services)])
      assert.match(
        image,
        new RegExp(`^(nearrank:${RegExp.escape(version)}|valkey/valkey:8\\.\\d+\\.\\d+-alpine)$`),
      )
  })

  test('every flag that is used is one of the command', async () => {
    const used: [string, string[]][] = [
      ['serve', server.args],
      ['serve', services.nearrank.command],
      ['serve', JSON.parse(dockerfile.findLast(({ name }) => name === 'CMD')?.value ?? '[]')],
      ['load', services.load.command],
    ]
    for (const [command, [name, ...words]] of used) {
      assert.equal(name, command)
      const { stdout: help } = await runCli([command, '--help'])
      const flags = words.filter((word) => word.startsWith('--')).map((word) => word.split('=')[0])
      assert.ok(flags.length > 0)
      for (const flag of flags)
        assert.match(help, new RegExp(`^\\s*(-\\w, )?${flag}[ ,]`, 'm'), `${command} ${flag}`)
    }
  })
})
