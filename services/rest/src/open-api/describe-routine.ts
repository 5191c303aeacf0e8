import type { Routine, RoutineParameter } from '../schema-cache/types.js';
import { elementType, splitComment, swaggerType, typeFields } from './data-types.js';

const produces = [
  'application/json',
  'application/vnd.pgrst.object+json;nulls=stripped',
  'application/vnd.pgrst.object+json',
];

/** The operations of `/rpc/function`; GET only where it cannot write. */
export function routinePath(routine: Routine): Readonly<Record<string, unknown>> {
  const common = {
    tags: [`(rpc) ${routine.name}`],
    ...splitComment(routine.description),
    produces,
    responses: { 200: { description: 'OK' } },
  };
  const post = {
    ...common,
    parameters: [
      { name: 'args', in: 'body', required: true, schema: argumentsSchema(routine) },
      { $ref: '#/parameters/preferParams' },
    ],
  };
  if (routine.volatility === 'volatile') return { post };
  return { get: { ...common, parameters: routine.parameters.map(queryParameter) }, post };
}

function argumentsSchema({ description, parameters }: Routine): Readonly<Record<string, unknown>> {
  const required = parameters.filter((parameter) => parameter.required).map(({ name }) => name);
  return {
    type: 'object',
    ...(description === null ? {} : { description }),
    ...(required.length === 0 ? {} : { required }),
    properties: Object.fromEntries(parameters.map(({ name, type }) => [name, typeFields(type)])),
  };
}

function queryParameter({ name, type, required, variadic }: RoutineParameter): Readonly<Record<string, unknown>> {
  const common = { name, in: 'query', required };
  if (variadic) {
    const element = elementType(type);
    const items = { type: swaggerType(element) ?? 'string', format: element };
    return { ...common, type: 'array', items, collectionFormat: 'multi' };
  }
  // An array is written in PostgreSQL's own way here, and a query parameter must have a type.
  const swagger = swaggerType(type);
  return { ...common, type: swagger === undefined || swagger === 'array' ? 'string' : swagger, format: type };
}
