import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect } from 'chai';

import { fileRoutes } from '../../../src/plugins/file/routes.js';
import { SimulatedDatabase } from '../../../src/testing/store/database.js';
import { simulatedStore } from '../../../src/testing/store/store.js';
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
    expect(described.sort()).to.deep.equal(served.sort());
  });

  it('names every operation, once', () => {
    const ids = operations().map(({ operation }) => operation.operationId);
    expect(ids.every(id => id !== undefined && /^[a-z][A-Za-z]+$/.test(id))).to.equal(true);
    expect(new Set(ids).size).to.equal(ids.length);
  });

  it('keeps the names of its operations: clients are generated from them', () => {
    const ids = operations().map(({ operation }) => operation.operationId ?? '');
    expect(ids.sort()).to.deep.equal([
      'actOnTasks',
      'cancelGroup',
      'cancelTask',
      'createGroup',
      'createSchedule',
      'createToken',
      'declareCapacity',
      'deleteSchedule',
      'deleteTask',
      'drainWorker',
      'explainTask',
      'followEvents',
      'followTask',
      'getGroup',
      'getMaintenance',
      'getOpenApi',
      'getResource',
      'getSchedule',
      'getStatus',
      'getTask',
      'getToken',
      'getWorker',
      'listAuditTrail',
      'listGroups',
      'listQueues',
      'listResources',
      'listSchedules',
      'listTaskTypes',
      'listTasks',
      'listTokens',
      'listWorkers',
      'livez',
      'metrics',
      'pauseSchedule',
      'pauseWorker',
      'previewSchedule',
      'purgeTasks',
      'readyz',
      'releaseResource',
      'resizeWorker',
      'resumeSchedule',
      'resumeWorker',
      'retryTask',
      'revokeToken',
      'runSchedule',
      'setMaintenance',
      'shutdownWorker',
      'steerWorkers',
      'submitTask',
      'submitTasks',
      'submitWorkflow',
      'summarizeTasks',
      'updateSchedule',
      'withdrawCapacity',
    ]);
  });

  it('is valid OpenAPI 3.1', async () => {
    const result = await new Validator().validate(JSON.parse(JSON.stringify(document)) as Record<string, unknown>);
    expect(result.valid, JSON.stringify(result)).to.equal(true);
  });

  it('says of a body that may be left out that it may', () => {
    const required = Object.fromEntries(
      operations().map(({ operation }) => [operation.operationId ?? '', operation.requestBody?.required]),
    );
    expect(required).to.include({
      submitTask: true,
      cancelTask: false,
      retryTask: false,
      pauseWorker: false,
      runSchedule: false,
    });
  });

  it('gives a description to every answer, and a problem for whatever goes wrong', () => {
    for (const { route, operation } of operations()) {
      const problems = Object.entries(operation.responses).filter(
        ([status, { content = {} }]) => Number(status) >= 400 && 'application/problem+json' in content,
      );
      const statuses = problems.map(([status]) => status);
      expect(statuses, route).to.include.members(['400', '431', '500']);
      expect(statuses.includes('401'), route).to.equal(operation.security?.length !== 0);
      if (!route.startsWith('GET ')) expect(statuses, route).to.include.members(['403', '413', '415']);
      if (route.includes('{')) expect(statuses, route).to.include('404');
      expect(operation.responses, route).to.have.property('503');
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

describe('The OpenAPI document, with the routes of plugins', () => {
  const store = simulatedStore(new SimulatedDatabase(() => new Date()));
  const files = fileRoutes({
    documents: store.documents,
    dataDirectory: 'nowhere',
    settings: { allowPrivateOrigins: true },
    submit: () => Promise.reject(new Error('nothing is submitted')),
  });
  const { app } = openApi(store, { plugins: [files] });
  let document: OpenApiDocument;
  before(async () => {
    await app.ready();
    document = documentOf(app);
  });
  after(() => app.close());

  it('is valid OpenAPI 3.1, in which every parameter of a path is declared', async () => {
    const result = await new Validator().validate(JSON.parse(JSON.stringify(document)) as Record<string, unknown>);
    expect(result.valid, JSON.stringify(result)).to.equal(true);
    for (const [path, methods] of Object.entries(document.paths))
      for (const { parameters = [], operationId } of Object.values(methods)) {
        const inPath = [...path.matchAll(/\{([^}]+)\}/g)].map(match => match[1]);
        const declared = parameters.filter(each => each.in === 'path').map(each => each.name);
        expect(declared, operationId).to.have.members(inPath);
      }
  });

  it('tells what a file is answered with, and what a task of a repository may be refused for', () => {
    const { responses } = document.paths['/content/{name}/{path}']!.get!;
    expect(Object.keys(responses).sort()).to.deep.equal(['200', '206', '304', '400', '403', '404', '416', '431', '500', '503']);
    expect(responses[206]?.content).to.include.keys('application/octet-stream', 'text/plain');
    expect(responses[304]).to.not.have.property('content');
    expect(document.paths['/api/v1/repositories/{name}/sync']!.post!.responses).to.include.keys('202', '404', '409', '422');
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
