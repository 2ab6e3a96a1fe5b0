import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { expect } from 'chai';

import { ask, openApi } from './fixture.js';
import { documentOf, type OpenApiDocument, type Operation } from './openapi-document.js';
import { scriptedStore } from './scripted-store.js';

describe('The OpenAPI document', () => {
  const { app } = openApi(scriptedStore().store);
  let document: OpenApiDocument;
  before(async () => {
    await app.ready();
    document = documentOf(app);
  });
  after(() => app.close());

  const operations = (): { route: string; operation: Operation }[] =>
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ route: `${method.toUpperCase()} ${path}`, operation })),
    );

  it('is served as what it is', async () => {
    const { status, body } = await ask(app, '/openapi.json');
    expect(status).to.equal(200);
    expect(body).to.deep.equal(JSON.parse(JSON.stringify(document)));
    expect(document.openapi).to.equal('3.1.0');
    expect(document.info).to.include({ title: 'Interlock', version: '0.0.0-test' });
  });

  it('describes exactly the routes that are served', () => {
    const described = operations().map(({ route }) => route);
    const served = routesOf(app.printRoutes({ commonPrefix: false }));
    expect(described.sort()).to.deep.equal(served.filter(route => route !== 'GET /api/v1/openapi.json').sort());
  });

  it('names every operation, once', () => {
    const ids = operations().map(({ operation }) => operation.operationId);
    expect(ids.every(id => id !== undefined && /^[a-z][A-Za-z]+$/.test(id))).to.equal(true);
    expect(new Set(ids).size).to.equal(ids.length);
  });

  it('keeps the names of its operations: clients are generated from them', () => {
    const ids = operations().map(({ operation }) => operation.operationId ?? '');
    expect(ids.sort()).to.deep.equal([
      'cancelGroup',
      'cancelTask',
      'createGroup',
      'createSchedule',
      'deleteSchedule',
      'deleteTask',
      'explainTask',
      'getGroup',
      'getResource',
      'getSchedule',
      'getStatus',
      'getTask',
      'getWorker',
      'listGroups',
      'listQueues',
      'listSchedules',
      'listTaskTypes',
      'listTasks',
      'listWorkers',
      'livez',
      'readyz',
      'submitTask',
      'submitTasks',
      'submitWorkflow',
      'summarizeTasks',
    ]);
  });

  it('gives a description to every answer, and a problem for whatever goes wrong', () => {
    for (const { route, operation } of operations()) {
      expect(operation.responses.default?.content, route).to.have.property('application/problem+json');
      for (const answer of Object.values(operation.responses))
        expect(answer.description, route).to.be.a('string').that.is.not.empty;
    }
  });

  it('declares every parameter of a path', () => {
    for (const { route, operation } of operations()) {
      const inPath = [...route.matchAll(/\{([^}]+)\}/g)].map(match => match[1]);
      const declared = (operation.parameters ?? []).filter(each => each.in === 'path').map(each => each.name);
      expect(declared, route).to.deep.equal(inPath);
    }
  });

  it('holds valid JSON Schemas only, whose references all resolve', () => {
    const ajv = new Ajv2020({ strict: false });
    formats.default(ajv);
    ajv.addSchema({ $id: 'document', ...document });
    const places = [...schemaPlaces(document, '')];
    expect(places.length).to.be.greaterThan(50);
    for (const place of places) expect(() => ajv.compile({ $ref: `document#${encodeURI(place)}` }), place).to.not.throw();
    expect(JSON.stringify(document)).to.not.include('"$id"');
  });
});

/** `METHOD /path/{name}` of every line of Fastify's tree, without the HEAD that comes with each GET. */
function routesOf(tree: string): string[] {
  const parents: string[] = [];
  return tree.split('\n').flatMap(line => {
    const [, indent = '', part = '', methods = ''] = /^([│ ]*)[├└]── (\S+) \((.*)\)$/.exec(line) ?? [];
    if (part === '') return [];
    const depth = indent.length / 4;
    parents[depth] = (depth === 0 ? '' : (parents[depth - 1] ?? '')) + part;
    const path = parents[depth].replace(/:(\w+)/g, '{$1}');
    return methods
      .split(', ')
      .filter(method => method !== 'HEAD')
      .map(method => `${method} ${path}`);
  });
}

/** Pointers to everything that stands under a key `schema`, and to the components. */
function* schemaPlaces(value: unknown, at: string): Generator<string> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    const place = `${at}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (key === 'schema' || /^\/components\/schemas\/[^/]+$/.test(place)) yield place;
    else yield* schemaPlaces(member, place);
  }
}
