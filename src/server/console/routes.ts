import type { FastifyInstance } from 'fastify'
import { fileAnswer, type SharedFile, sharedFile } from '../routes/sharedFile.ts'
import { type SharedAnswer, sendShared } from '../routes/sharedAnswers.ts'
import { bundleFile, encodingFor, readManifest } from './bundle.ts'
import { type ConsolePage, contentSecurityPolicy, pageHtml } from './page.ts'

const FILES_PATH = '/console/'

/** `/` is the console, `/console/…` what it is made of. Anybody may load both: all data needs a key. */
export function consoleRoutes(app: FastifyInstance): void {
  const options = { schema: { hide: true }, config: { right: 'none' } } as const
  app.get('/', options, sendShared)
  app.get(`${FILES_PATH}:file`, options, sendShared)
}

/** Answers with the page and its files, which are read when somebody first looks. */
export function consoleAnswers(page: ConsolePage): SharedAnswer {
  let made: SharedFile | undefined
  return async (path, request) => {
    if (path === '/') return fileAnswer((made ??= await makePage(page)), request)
    if (!path.startsWith(FILES_PATH)) return undefined
    const file = await bundleFile(path.slice(FILES_PATH.length), encodingFor(request['accept-encoding']))
    return file && fileAnswer(file, request)
  }
}

async function makePage(page: ConsolePage): Promise<SharedFile> {
  return sharedFile(Buffer.from(pageHtml(page, await readManifest())), {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': contentSecurityPolicy(page),
    'referrer-policy': 'no-referrer',
  })
}
