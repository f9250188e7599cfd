// Calls every operation through openapi-fetch, with the types that openapi-typescript generates from the document. It is
// compiled and not run: a field, a parameter or an operation that the document does not describe as used here fails.

import createClient from 'openapi-fetch';
import type { components, operations, paths } from './api.js';

const client = createClient<paths>({
  baseUrl: 'http://127.0.0.1:3001/api',
  headers: { Authorization: 'Bearer …', 'X-API-Key': 'sk_…' },
});

type Key = components['schemas']['ApiKey'];

const organization = { organizationId: 'acme-corp' };
const key = { ...organization, id: '0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d01' };

async function list(): Promise<Key[]> {
  const keys: Key[] = [];
  let cursor: string | undefined;
  do {
    const { data, error } = await client.GET('/organizations/{organizationId}/api-keys', {
      params: { path: organization, query: { limit: 100, cursor } },
    });
    if (error) throw new Error(`${error.statusCode} ${error.error}: ${error.message}`);
    keys.push(...data.items);
    cursor = data.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return keys;
}

async function create(): Promise<string | undefined> {
  const { data } = await client.POST('/organizations/{organizationId}/api-keys', {
    params: { path: organization },
    body: { name: 'Deployment', description: null, scopes: ['releases:write'], rateLimit: { limit: 100, windowSeconds: 60 } },
  });
  return data?.key;
}

async function getById(): Promise<number | undefined> {
  const { data } = await client.GET('/organizations/{organizationId}/api-keys/{id}', { params: { path: key } });
  const status: 'active' | 'disabled' | 'revoked' | 'expired' | undefined = data?.status;
  const lastUsedAt: string | null | undefined = data?.lastUsedAt;
  return status && lastUsedAt && data?.quota ? data.quota.limit - data.quota.used : data?.rateLimit?.limit;
}

async function update(): Promise<string | null | undefined> {
  const { data } = await client.PATCH('/organizations/{organizationId}/api-keys/{id}', {
    params: { path: key },
    body: { description: null, quota: { limit: 10_000, period: 'month' }, enabled: false },
  });
  return data?.description;
}

async function rotate(): Promise<string | null | undefined> {
  const { data } = await client.POST('/organizations/{organizationId}/api-keys/{id}/rotate', {
    params: { path: key },
    body: { graceSeconds: 3600 },
  });
  return data?.previousSecretExpiresAt;
}

async function revoke(): Promise<Key | undefined> {
  const { data } = await client.DELETE('/organizations/{organizationId}/api-keys/{id}', { params: { path: key } });
  return data;
}

async function getStats(): Promise<[string, number][] | undefined> {
  const { data } = await client.GET('/organizations/{organizationId}/api-keys/stats', {
    params: { path: organization, query: { days: 7 } },
  });
  return data?.daily?.map((day) => [day.date, day.successfulRequests]);
}

async function audit(): Promise<string[] | undefined> {
  const { data } = await client.GET('/organizations/{organizationId}/api-keys/audit', {
    params: { path: organization, query: { keyId: key.id, since: '2026-01-01T00:00:00Z', limit: 10 } },
  });
  return data?.items.flatMap(({ action, actor, keyName, changes }) =>
    Object.entries(action === 'key.updated' && changes ? changes : {}).map(
      ([field, { from, to }]) => `${keyName}: ${field} from ${from} to ${to} by ${actor.id ?? actor.type}`,
    ),
  );
}

async function validate(): Promise<string | undefined> {
  const params = { query: { scope: ['invoices:read'] } };
  const { data, error } = await client.POST('/api-keys/validate', { params });
  return data?.keyId ?? error?.message;
}

async function validateForGateway(): Promise<boolean | undefined> {
  const { data } = await client.GET('/api-keys/validate', {});
  return data?.active;
}

// Every operation of the document; one that is missing here does not compile.
export const called: Record<keyof operations, () => Promise<unknown>> = {
  ApiKeysController_list: list,
  ApiKeysController_create: create,
  ApiKeysController_getById: getById,
  ApiKeysController_update: update,
  ApiKeysController_rotate: rotate,
  ApiKeysController_revoke: revoke,
  ApiKeysController_getStats: getStats,
  ApiKeysController_audit: audit,
  ApiKeysController_validate: validate,
  ApiKeysController_validateForGateway: validateForGateway,
};
