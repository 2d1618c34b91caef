import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  deployment,
  dockerfile,
  isRoute,
  kustomization,
  MANIFEST_FILES,
  manifest,
  PORT,
  server,
  valkey,
} from './deployFiles.ts'

const settings = manifest('ConfigMap').data ?? {}

describe('Kubernetes', () => {
  test('the kustomization names every file', () => {
    assert.deepEqual(kustomization.resources.toSorted(), MANIFEST_FILES.toSorted())
  })

  test('several replicas, and the budget, the service, the policy and the spread select their pods', () => {
    assert.ok(deployment.spec.replicas >= 2)
    const { labels } = deployment.spec.template.metadata
    const selectors = [
      deployment.spec.selector.matchLabels,
      manifest('PodDisruptionBudget').spec.selector.matchLabels,
      manifest('Service', 'nearrank').spec.selector as unknown as Record<string, string>,
      manifest('NetworkPolicy', 'nearrank').spec.podSelector.matchLabels,
      ...(deployment.spec.template.spec.topologySpreadConstraints ?? []).map(
        ({ labelSelector }) => labelSelector.matchLabels,
      ),
    ]
    assert.equal(selectors.length, 6)
    for (const selector of selectors) {
      assert.notDeepEqual(selector, {})
      assert.deepEqual({ ...labels, ...selector }, labels)
    }
    // One at a time may go, so that somebody serves.
    assert.ok(manifest('PodDisruptionBudget').spec.maxUnavailable < deployment.spec.replicas)
    const valkeyLabels = valkey.spec.template.metadata.labels
    assert.notDeepEqual({ ...valkeyLabels, ...deployment.spec.selector.matchLabels }, valkeyLabels)
  })

  test('probes ask routes that exist, at the port that is served', async () => {
    const { startupProbe, readinessProbe, livenessProbe } = server
    for (const probe of [startupProbe, readinessProbe, livenessProbe]) {
      const path = probe?.httpGet?.path ?? ''
      assert.ok(await isRoute(path), path)
      assert.equal(probe?.httpGet?.port, 'http')
    }
    assert.equal(readinessProbe.httpGet?.path, '/health/ready')
    // A store that is away must not get every server killed.
    assert.equal(livenessProbe.httpGet?.path, '/health/live')
    assert.deepEqual(server.ports, [{ name: 'http', containerPort: PORT }])
    assert.ok(server.args.includes(`--port=${PORT}`))
    assert.equal(manifest('Service', 'nearrank').spec.ports[0].targetPort, 'http')
    assert.equal(manifest('NetworkPolicy', 'nearrank').spec.ingress[0].ports[0].port, 'http')
  })

  test('nothing is root, nothing writes outside of its volumes, nothing may become more', () => {
    for (const { spec } of [deployment.spec.template, valkey.spec.template]) {
      assert.equal(spec.securityContext.runAsNonRoot, true)
      assert.ok(Number(spec.securityContext.runAsUser) > 0)
      assert.deepEqual(spec.securityContext.seccompProfile, { type: 'RuntimeDefault' })
      assert.equal(spec.automountServiceAccountToken, false)
      for (const { securityContext } of spec.containers)
        assert.deepEqual(securityContext, {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
    }
    const user = dockerfile.findLast(({ name }) => name === 'USER')?.value
    const { runAsUser, runAsGroup } = deployment.spec.template.spec.securityContext
    assert.equal(user, [runAsUser, runAsGroup].join(':'))
  })

  test('a pod has the time to leave the service, to drain and to end', () => {
    const preStop = server.lifecycle?.preStop.sleep.seconds ?? 0
    assert.ok(preStop > 0)
    const { terminationGracePeriodSeconds } = deployment.spec.template.spec
    assert.ok(terminationGracePeriodSeconds >= preStop + Number(settings.DRAIN_SECONDS) + 5)
  })

  test('every variable of the arguments is set, every volume is there', () => {
    assert.equal(server.envFrom?.[0].configMapRef.name, manifest('ConfigMap').metadata.name)
    const set = new Set([...Object.keys(settings), ...(server.env ?? []).map(({ name }) => name)])
    const used = server.args.flatMap((arg) => [...arg.matchAll(/\$\((\w+)\)/g)].map(([, name]) => name))
    set.delete('NEARRANK_REDIS_PASSWORD') // which serve looks for itself
    assert.deepEqual([...set].toSorted(), used.toSorted())
    for (const { spec } of [deployment, valkey]) {
      const volumes = [
        ...spec.template.spec.volumes.map(({ name }) => name),
        ...(spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name),
      ]
      const mounts = spec.template.spec.containers[0].volumeMounts.map(({ name }) => name)
      assert.deepEqual(mounts.toSorted(), volumes.toSorted())
    }
    assert.equal(server.volumeMounts.find(({ mountPath }) => mountPath === '/model')?.readOnly, true)
  })

  test('memory is bounded, and enough for 1.1 million rows', () => {
    for (const { resources } of [server, valkey.spec.template.spec.containers[0]]) {
      assert.ok(mebibytes(resources.requests.memory) >= 512)
      assert.ok(mebibytes(resources.limits.memory) >= mebibytes(resources.requests.memory))
    }
  })
})

function mebibytes(quantity: string): number {
  const [, digits, unit] = /^(\d+)(Mi|Gi)$/.exec(quantity) ?? []
  return Number(digits) * (unit === 'Gi' ? 1024 : 1)
}
