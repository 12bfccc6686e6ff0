import { validatorCompiler } from '@fastify/type-provider-zod'
import type { FastifySchemaCompiler } from 'fastify'
import type { z } from 'zod'

/** For routes whose body stays bytes: its schema is there for the document, all else is validated as usual. */
export const rawBodyValidatorCompiler: FastifySchemaCompiler<z.ZodType> = (route) => {
  if (route.httpPart === 'body') return () => true
  return validatorCompiler(route)
}
