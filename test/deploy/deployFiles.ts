import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { parse, parseAllDocuments } from 'yaml' // comes with @fastify/swagger
import { buildApp } from '../../src/server/app.ts'
import { fakeServices } from '../server/fakeServices.ts'

export const ROOT = new URL('../../', import.meta.url)
export const PORT = 8080

// The parts of the formats that are looked at.
export interface Container {
  image: string
  args: string[]
  command?: string[]
  ports: { name: string; containerPort: number }[]
  env?: { name: string }[]
  envFrom?: { configMapRef: { name: string } }[]
  startupProbe?: Probe
  readinessProbe: Probe
  livenessProbe: Probe
  lifecycle?: { preStop: { sleep: { seconds: number } } }
  resources: { requests: Record<string, string>; limits: Record<string, string> }
  securityContext: Record<string, unknown>
  volumeMounts: { name: string; mountPath: string; readOnly?: boolean }[]
}
export interface Probe {
  httpGet?: { path: string; port: string }
  periodSeconds: number
  failureThreshold?: number
}
export interface PodTemplate {
  metadata: { labels: Record<string, string> }
  spec: {
    containers: Container[]
    securityContext: Record<string, unknown>
    terminationGracePeriodSeconds: number
    automountServiceAccountToken: boolean
    topologySpreadConstraints?: { labelSelector: Selector }[]
    volumes: { name: string; persistentVolumeClaim?: { readOnly: boolean } }[]
  }
}
export interface Selector {
  matchLabels: Record<string, string>
}
export interface Manifest {
  kind: string
  metadata: { name: string }
  data?: Record<string, string>
  spec: {
    replicas: number
    selector: Selector
    template: PodTemplate
    podSelector: Selector
    maxUnavailable: number
    ports: { port: number; targetPort: string }[]
    ingress: { ports: { port: string }[] }[]
    volumeClaimTemplates?: { metadata: { name: string } }[]
  }
}
export interface ComposeService {
  image: string
  command: string[]
  read_only: boolean
  cap_drop: string[]
  security_opt: string[]
  mem_limit: string
  pids_limit: number
  user?: string
  ports?: string[]
  volumes: (string | { source: string; target: string; read_only: boolean })[]
  healthcheck?: { test?: string[]; disable?: boolean }
  stop_grace_period?: string
  depends_on?: Record<string, { condition: string }>
}

export const MANIFEST_FILES = readdirSync(new URL('deploy/kubernetes/', ROOT)).filter(
  (file) => file !== 'kustomization.yaml',
)
const manifests = MANIFEST_FILES.flatMap((file) => parseAllDocuments(text(`deploy/kubernetes/${file}`))).map(
  (document) => {
    assert.deepEqual(document.errors, [])
    return document.toJS() as Manifest
  },
)
export const kustomization = parse(text('deploy/kubernetes/kustomization.yaml')) as {
  resources: string[]
  images: { newTag: string }[]
}
export const deployment = manifest('Deployment')
export const valkey = manifest('StatefulSet')
export const [server] = deployment.spec.template.spec.containers
export const { services } = parse(text('deploy/compose.yaml'), { merge: true }) as {
  services: Record<string, ComposeService>
}
export const dockerfile = instructionsOf(text('deploy/Dockerfile'))

export function text(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8')
}

export function manifest(kind: string, name?: string): Manifest {
  const found = manifests.find(
    (one) => one.kind === kind && (name === undefined || one.metadata.name === name),
  )
  assert.ok(found, `${kind} ${name ?? ''}`)
  return found
}

/** The instructions of a Dockerfile, continued lines joined, comments left out. */
export function instructionsOf(source: string): { name: string; value: string }[] {
  return source
    .replace(/^#.*\n/gm, '')
    .replaceAll(/\s*\\\n\s*/g, ' ')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => ({ name: line.split(' ')[0], value: line.slice(line.indexOf(' ') + 1) }))
}

/** Whether the server answers `GET path`. */
export async function isRoute(path: string): Promise<boolean> {
  const app = buildApp({ services: fakeServices() })
  await app.ready()
  const found = app.hasRoute({ method: 'GET', url: path })
  await app.close()
  return found
}
