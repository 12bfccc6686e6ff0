import { createHash } from 'node:crypto'
import { PROBLEMS } from '../problem.ts'

/** The documentation page: the OpenAPI document as plain HTML, without a script and without anything from elsewhere. */

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1c2733 }
h2 { border-top: 1px solid #ccd3da; padding-top: 1.5rem } h3 { margin-bottom: .3rem }
code, pre { font: 14px/1.45 ui-monospace, monospace; background: #f3f5f7 } pre { padding: .7rem; overflow-x: auto }
table { border-collapse: collapse; width: 100% } td, th { border: 1px solid #ccd3da; padding: .3rem .6rem; text-align: left; vertical-align: top }
.method { background: #1f5f8b; color: #fff; border-radius: 3px; padding: .1rem .5rem; font-size: .8em }
@media (prefers-color-scheme: dark) { body { background: #14191f; color: #dbe2e9 } code, pre { background: #222a33 } a { color: #7db9e8 } }
`

/** Lets the page use its own style and nothing else. */
export const PAGE_SECURITY_POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; frame-ancestors 'none'`

type Media = Record<string, { schema?: unknown }>
type Parameter = { name: string; in: string; required?: boolean; description?: string; schema?: unknown }
type Operation = {
  summary?: string
  description?: string
  security?: readonly unknown[]
  parameters?: readonly Parameter[]
  requestBody?: { content: Media }
  responses: Record<string, { description: string; content?: Media }>
}
type OpenapiDocument = {
  info: { title: string; version: string; description?: string }
  paths: Record<string, Record<string, Operation>>
  components: { schemas?: Record<string, unknown> }
}

export function createPage(document: OpenapiDocument): string {
  const { info, paths, components } = document
  const operations = Object.entries(paths).flatMap(([path, methods]) => {
    return Object.entries(methods).map(([method, operation]) => renderOperation(path, method, operation))
  })
  const schemas = Object.entries(components.schemas ?? {}).map(([name, schema]) => {
    return `<h3 id="schema-${escapeHtml(name)}">${escapeHtml(name)}</h3>\n${renderSchema(schema)}`
  })
  const problems = Object.entries(PROBLEMS).map(([name, meaning]) => {
    return `<tr><td><code>urn:foreshock:problem:${escapeHtml(name)}</code></td><td>${escapeHtml(meaning)}</td></tr>`
  })
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(info.title)} API</title><style>${STYLE}</style></head>
<body>
<h1>${escapeHtml(info.title)} API ${escapeHtml(info.version)}</h1>
<p>${escapeHtml(info.description ?? '')}</p>
<p>Send <code>Authorization: Bearer KEY</code>. For programs: <a href="openapi.json">openapi.json</a>.</p>
${operations.join('\n')}
<h2>Problems</h2>
<p>Every error is <code>application/problem+json</code> (RFC 9457) with one of these types.</p>
<table>${problems.join('\n')}</table>
<h2>Schemas</h2>
${schemas.join('\n')}
</body>
</html>
`
}

function renderOperation(path: string, method: string, operation: Operation): string {
  const parameters = (operation.parameters ?? []).map((one) => {
    const name = `<code>${escapeHtml(one.name)}</code>${one.required === true ? ' *' : ''}`
    const form = `<code>${escapeHtml(JSON.stringify(one.schema ?? {}))}</code>`
    return `<tr><td>${name}</td><td>${escapeHtml(one.in)}</td><td>${escapeHtml(one.description ?? '')}</td><td>${form}</td></tr>`
  })
  const responses = Object.entries(operation.responses).map(([status, { description, content }]) => {
    return `<tr><td>${escapeHtml(status)}</td><td>${escapeHtml(description)}</td><td>${renderMedia(content ?? {})}</td></tr>`
  })
  const table = (rows: readonly string[]) => (rows.length === 0 ? '' : `<table>${rows.join('\n')}</table>`)
  const open = operation.security?.length === 0 ? '<p>Without a key.</p>' : ''
  return `<h2><span class="method">${escapeHtml(method.toUpperCase())}</span> <code>${escapeHtml(path)}</code></h2>
<p><strong>${escapeHtml(operation.summary ?? '')}</strong></p>
<p>${escapeHtml(operation.description ?? '')}</p>${open}
${parameters.length > 0 ? '<h3>Parameters</h3>' : ''}${table(parameters)}
${operation.requestBody === undefined ? '' : `<h3>Body</h3><p>${renderMedia(operation.requestBody.content)}</p>`}
<h3>Answers</h3>${table(responses)}`
}

function renderMedia(content: Media): string {
  return Object.entries(content)
    .map(([mediaType, { schema }]) => `<code>${escapeHtml(mediaType)}</code> ${nameOf(schema)}`)
    .join('<br>')
}

/** Links to the named schemas that a schema refers to; a problem needs no repeating. */
function nameOf(schema: unknown): string {
  const names = [...JSON.stringify(schema ?? {}).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(
    (match) => match[1]!,
  )
  return [...new Set(names)].map((name) => `<a href="#schema-${escapeHtml(name)}">${escapeHtml(name)}</a>`).join(', ')
}

function renderSchema(schema: unknown): string {
  const text = escapeHtml(JSON.stringify(schema, undefined, 2))
  return `<pre>${text.replaceAll(/&quot;#\/components\/schemas\/([A-Za-z0-9]+)&quot;/g, '<a href="#schema-$1">$1</a>')}</pre>`
}

function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
  return text.replaceAll(/[&<>"']/g, (character) => entities[character]!)
}
