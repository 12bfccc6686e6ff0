import type { FastifyInstance } from 'fastify'

/** Where an application that listens is found. */
export function urlOf(app: FastifyInstance, host: string): { readonly url: string; readonly port: number } {
  const address = app.server.address()
  if (address === null || typeof address === 'string') throw new Error('the application does not listen on a port')
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`, port: address.port }
}
