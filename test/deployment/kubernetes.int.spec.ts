import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { TOPICS } from '#libs/contracts';
import { checkStrimziResources } from '../../deploy/checks/src/strimzi.js';
import { ensureTool, ROOT, runTool, TOOLS } from '../../deploy/checks/src/tools.js';
import { operatorMistakes } from './operator-resources.js';

type Manifest = {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  // biome-ignore lint/suspicious/noExplicitAny: the schemas below check what is in here.
  [key: string]: any;
};

const SERVICES = ['ingest', 'balance', 'auction', 'settlement', 'admin'];
// The newest release whose schemas kubectl-validate carries.
const KUBERNETES_VERSION = '1.30';
const isOperatorResource = ({ apiVersion }: Manifest) => /strimzi|cnpg/.test(apiVersion);

let scratch: string;
let validator: string;
const built = new Map<string, Manifest[]>();

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'swarmledger-k8s-'));
  validator = await ensureTool(TOOLS.kubectlValidate);
  const kustomize = await ensureTool(TOOLS.kustomize);
  for (const folder of [
    'base',
    'overlays/dev',
    'overlays/prod',
    ...SERVICES.map((s) => `base/${s}`),
  ]) {
    const text = await runTool(kustomize, ['build', join(ROOT, 'k8s', folder)]);
    built.set(
      folder,
      parseAllDocuments(text).map((document) => document.toJS() as Manifest),
    );
  }
}, 900_000);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const manifests = (folder: string) => built.get(folder) ?? [];
const find = (folder: string, kind: string, name: string): Manifest => {
  const found = manifests(folder).find((m) => m.kind === kind && m.metadata.name === name);
  if (found === undefined) throw new Error(`${folder} has no ${kind} ${name}`);
  return found;
};
const validate = async (name: string, documents: readonly Manifest[]): Promise<string> => {
  const folder = join(scratch, name.replaceAll('/', '-'));
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'all.yaml'),
    documents.map((document) => stringify(document)).join('---\n'),
  );
  return await runTool(validator, [folder, '--version', KUBERNETES_VERSION]);
};

describe('the schemas of Kubernetes', () => {
  it.each(['base/ingest', 'overlays/dev', 'overlays/prod'])('accept %s', async (folder) => {
    const native = manifests(folder).filter((manifest) => !isOperatorResource(manifest));
    expect(native.length).toBeGreaterThan(3);
    expect(await validate(folder, native)).toContain('OK');
  });

  it('refuse an unknown field, so that the check above means something', async () => {
    const wrong = structuredClone(find('overlays/prod', 'Deployment', 'ingest'));
    wrong.spec.template.spec.containers[0].readinesProbe = {};
    await expect(validate('wrong-field', [wrong])).rejects.toThrow(/readinesProbe.*unknown field/s);
  });

  it('refuse a value of the wrong type', async () => {
    const wrong = structuredClone(find('overlays/prod', 'Deployment', 'admin'));
    wrong.spec.replicas = 'two';
    await expect(validate('wrong-type', [wrong])).rejects.toThrow(/replicas/);
  });
});

describe.each(['overlays/dev', 'overlays/prod'])('%s', (overlay) => {
  it.each(SERVICES)('%s has all that a service needs', (name) => {
    for (const kind of [
      'Deployment',
      'Service',
      'ServiceAccount',
      'PodDisruptionBudget',
      'NetworkPolicy',
    ]) {
      find(overlay, kind, name);
    }
    const pod = find(overlay, 'Deployment', name).spec.template.spec;
    const [container] = pod.containers;
    expect(container.args).toEqual([name]);
    expect(container.livenessProbe.httpGet.path).toBe('/healthz');
    expect(container.readinessProbe.httpGet.path).toBe('/readyz');
    expect(container.resources.requests).toBeDefined();
    expect(container.resources.limits.memory).toBeDefined();
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
    expect(pod.automountServiceAccountToken).toBe(false);
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(13);
  });

  it('names only ConfigMaps, Secrets and ServiceAccounts that exist or that the README has made', () => {
    const configMaps = manifests(overlay).filter((m) => m.kind === 'ConfigMap');
    const names = new Set(configMaps.map((m) => m.metadata.name));
    const secrets = [
      'swarmledger-db-app',
      'swarmledger-internal',
      'swarmledger-operator',
      'swarmledger-hot-wallet',
      'swarmledger-signer',
      'swarmledger-signer-client',
    ];
    for (const deployment of manifests(overlay).filter((m) => m.kind === 'Deployment')) {
      const pod = deployment.spec.template.spec;
      find(overlay, 'ServiceAccount', pod.serviceAccountName);
      for (const { configMapRef } of pod.containers[0].envFrom) {
        expect(names).toContain(configMapRef.name);
      }
      for (const { secret } of pod.volumes)
        if (secret) expect(secrets).toContain(secret.secretName);
    }
  });

  it('keeps the hot wallet to settlement and the operator token to admin', () => {
    const users = (secretName: string) =>
      manifests(overlay)
        .filter((m) => m.kind === 'Deployment' && JSON.stringify(m).includes(secretName))
        .map((m) => m.metadata.name);
    const isProduction = overlay === 'overlays/prod';
    expect(users('swarmledger-hot-wallet')).toEqual(isProduction ? [] : ['settlement']);
    expect(users('"swarmledger-signer"')).toEqual(isProduction ? ['signer'] : []);
    expect(users('"swarmledger-signer-client"')).toEqual(isProduction ? ['settlement'] : []);
    expect(users('swarmledger-operator')).toEqual(['admin']);
  });

  it('never runs two settlement, auction or signer processes at once', () => {
    const signers = overlay === 'overlays/prod' ? ['signer'] : [];
    for (const name of ['settlement', 'auction', ...signers]) {
      expect(find(overlay, 'Deployment', name).spec).toMatchObject({
        replicas: 1,
        strategy: { type: 'Recreate' },
      });
      expect(
        manifests(overlay).some(
          (m) => m.kind === 'HorizontalPodAutoscaler' && m.metadata.name === name,
        ),
      ).toBe(false);
    }
  });

  it('leaves the number of replicas to the autoscaler where there is one', () => {
    for (const { metadata, ...hpa } of manifests(overlay).filter(
      (m) => m.kind === 'HorizontalPodAutoscaler',
    )) {
      expect(find(overlay, 'Deployment', metadata.name).spec.replicas).toBeUndefined();
      expect(hpa.spec.maxReplicas).toBeGreaterThanOrEqual(hpa.spec.minReplicas);
    }
  });

  it('selects with every Service, PDB and NetworkPolicy pods that exist', () => {
    const pods = manifests(overlay)
      .filter((m) => ['Deployment', 'Job'].includes(m.kind))
      .map((m) => m.spec.template.metadata.labels as Record<string, string>);
    const selectors = manifests(overlay).flatMap((m) => {
      if (m.kind === 'Service') return [m.spec.selector];
      if (m.kind === 'PodDisruptionBudget') return [m.spec.selector.matchLabels];
      return m.kind === 'NetworkPolicy' ? [m.spec.podSelector.matchLabels] : [];
    });
    expect(selectors.length).toBeGreaterThan(10);
    for (const selector of selectors) {
      const matches = pods.filter((labels) =>
        Object.entries(selector).every(([k, v]) => labels[k] === v),
      );
      expect(matches, JSON.stringify(selector)).not.toEqual([]);
    }
  });

  it('describes operator resources without a field that we do not know', () => {
    const resources = manifests(overlay).filter(isOperatorResource);
    expect(resources.map((m) => m.kind).sort()).toEqual(
      [
        'Cluster',
        'Kafka',
        'KafkaNodePool',
        ...Object.values(TOPICS).map(() => 'KafkaTopic'),
      ].sort(),
    );
    expect(resources.flatMap((resource) => operatorMistakes(resource))).toEqual([]);
  });
});

describe('the signer', () => {
  const overlay = 'overlays/prod';

  it('is as bounded and unprivileged as the services', () => {
    const pod = find(overlay, 'Deployment', 'signer').spec.template.spec;
    const [container] = pod.containers;
    expect(container.args).toEqual(['signer']);
    expect(container.resources.limits.memory).toBeDefined();
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
    expect(pod.automountServiceAccountToken).toBe(false);
    expect(JSON.stringify(pod)).not.toContain('DATABASE_URL');
  });

  it('keeps its journal and is reached by settlement alone', () => {
    const { volumes } = find(overlay, 'Deployment', 'signer').spec.template.spec;
    const claims = volumes.flatMap((volume: Manifest) => volume.persistentVolumeClaim ?? []);
    expect(claims).toEqual([{ claimName: 'signer-state' }]);
    find(overlay, 'PersistentVolumeClaim', 'signer-state');
    const { ingress } = find(overlay, 'NetworkPolicy', 'signer').spec;
    const grpc = ingress.filter((rule: Manifest) => JSON.stringify(rule.ports).includes('grpc'));
    expect(grpc).toHaveLength(1);
    expect(grpc[0].from).toEqual([
      { podSelector: { matchLabels: { 'app.kubernetes.io/name': 'settlement' } } },
    ]);
  });
});

describe("the Strimzi operator's own classes", () => {
  const strimziFile = (name: string, resources: readonly Manifest[]) => {
    const path = join(scratch, `${name}.yaml`);
    writeFileSync(path, resources.map((resource) => stringify(resource)).join('---\n'));
    return path;
  };
  const strimzi = (overlay: string) =>
    manifests(overlay).filter(({ apiVersion }) => apiVersion.startsWith('kafka.strimzi.io/'));

  it('know every field of both overlays', async () => {
    const files = ['dev', 'prod'].map((name) => strimziFile(name, strimzi(`overlays/${name}`)));
    expect(await checkStrimziResources(files)).toContain('14 resources read');
  }, 600_000);

  it('find a misspelt field and a value of the wrong type', async () => {
    const wrong = structuredClone(find('overlays/prod', 'KafkaNodePool', 'broker'));
    wrong.spec.storage.volumes[0].deleteClaims = true;
    const worse = structuredClone(find('overlays/prod', 'KafkaNodePool', 'broker'));
    worse.spec.replicas = 'three';
    const file = strimziFile('wrong', [wrong, worse]);
    await expect(checkStrimziResources([file])).rejects.toThrow(
      /volumes\[0\]: unknown field deleteClaims\n.*"three": not a valid/,
    );
  }, 600_000);
});

describe('Kafka in production', () => {
  it('has every topic, with the partitions and settings that the services count on', () => {
    for (const topic of Object.values(TOPICS)) {
      const { partitions, replicas, config } = find('base', 'KafkaTopic', topic.name).spec;
      expect({ partitions, replicas }).toEqual({ partitions: topic.partitions, replicas: 3 });
      const texts = Object.fromEntries(Object.entries(config).map(([k, v]) => [k, String(v)]));
      expect(texts).toEqual({
        ...topic.config,
        'min.insync.replicas': '2',
        'unclean.leader.election.enable': 'false',
      });
    }
  });

  it('acknowledges a voucher on two of three brokers and keeps it for a week at least', () => {
    const kafka = find('overlays/prod', 'Kafka', 'swarmledger').spec.kafka;
    expect(kafka.config).toMatchObject({
      'auto.create.topics.enable': false,
      'unclean.leader.election.enable': false,
      'min.insync.replicas': 2,
      'default.replication.factor': 3,
    });
    expect(find('overlays/prod', 'KafkaNodePool', 'broker').spec.replicas).toBe(3);
    const vouchers = find('overlays/prod', 'KafkaTopic', 'vouchers').spec;
    expect(Number(vouchers.config['retention.ms'])).toBeGreaterThanOrEqual(7 * 86_400_000);
  });

  it('scales balance to no more replicas than the voucher log has partitions', () => {
    const hpa = find('overlays/prod', 'HorizontalPodAutoscaler', 'balance');
    expect(hpa.spec.maxReplicas).toBeLessThanOrEqual(TOPICS.vouchers.partitions);
  });
});
