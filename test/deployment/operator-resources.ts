import { z } from 'zod';

/*
 * Shapes of the Strimzi and CloudNativePG resources, as far as we use them: strict, so that a misspelt field is found,
 * but a value that only the operator can judge (a Kafka version it supports, say) is not. Strimzi's resources are read
 * with the operator's own classes as well (deploy/checks/strimzi); no package registry ships CloudNativePG's schemas,
 * so for its Cluster this shape, written from the documentation, is the only check.
 */
const metadata = z.strictObject({
  name: z.string(),
  namespace: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
});
const quantity = z.union([z.string().regex(/^\d+(m|Mi|Gi)?$/), z.int()]);
const resources = z.strictObject({
  requests: z.strictObject({ cpu: quantity, memory: quantity }),
  limits: z.strictObject({ cpu: quantity, memory: quantity }),
});
const config = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
const podSelector = z.strictObject({
  matchLabels: z.record(z.string(), z.string()).optional(),
  matchExpressions: z
    .array(
      z.strictObject({ key: z.string(), operator: z.literal('In'), values: z.array(z.string()) }),
    )
    .optional(),
});

const kafka = z.strictObject({
  version: z.string().regex(/^4\.\d+\.\d+$/),
  metadataVersion: z.string().regex(/^4\.\d+-IV\d+$/),
  listeners: z.array(
    z.strictObject({
      name: z.string().regex(/^[a-z0-9]{1,11}$/),
      port: z.int().min(9092),
      type: z.enum(['internal', 'route', 'loadbalancer', 'nodeport', 'ingress', 'cluster-ip']),
      tls: z.boolean(),
      networkPolicyPeers: z.array(z.strictObject({ podSelector })).optional(),
    }),
  ),
  config,
});
const strimzi = 'kafka.strimzi.io/v1';
const volume = z.strictObject({
  id: z.int(),
  type: z.literal('persistent-claim'),
  size: quantity,
  deleteClaim: z.boolean(),
  kraftMetadata: z.literal('shared').optional(),
});

const SHAPES = {
  Kafka: z.strictObject({
    apiVersion: z.literal(strimzi),
    kind: z.literal('Kafka'),
    metadata,
    spec: z.strictObject({
      kafka,
      entityOperator: z.strictObject({ topicOperator: z.strictObject({}) }),
    }),
  }),
  KafkaNodePool: z.strictObject({
    apiVersion: z.literal(strimzi),
    kind: z.literal('KafkaNodePool'),
    metadata,
    spec: z.strictObject({
      replicas: z.int().min(1),
      roles: z.array(z.enum(['controller', 'broker'])),
      storage: z.strictObject({ type: z.literal('jbod'), volumes: z.array(volume).min(1) }),
      resources,
      jvmOptions: z.strictObject({ '-Xms': z.string(), '-Xmx': z.string() }),
      template: z.strictObject({ pod: z.strictObject({ affinity: z.object({}).loose() }) }),
    }),
  }),
  KafkaTopic: z.strictObject({
    apiVersion: z.literal(strimzi),
    kind: z.literal('KafkaTopic'),
    metadata,
    spec: z.strictObject({
      partitions: z.int().min(1),
      replicas: z.int().min(1).max(3),
      config,
    }),
  }),
  Cluster: z.strictObject({
    apiVersion: z.literal('postgresql.cnpg.io/v1'),
    kind: z.literal('Cluster'),
    metadata,
    spec: z.strictObject({
      instances: z.int().min(1),
      imageName: z.string().regex(/:18/),
      postgresql: z.strictObject({
        synchronous: z
          .strictObject({
            method: z.enum(['any', 'first']),
            number: z.int().min(1),
            dataDurability: z.enum(['required', 'preferred']),
          })
          .optional(),
        // The operator takes parameters as text only.
        parameters: z.record(z.string(), z.string()),
      }),
      bootstrap: z.strictObject({
        initdb: z.strictObject({
          database: z.string(),
          owner: z.string(),
          dataChecksums: z.boolean(),
        }),
      }),
      managed: z.strictObject({
        roles: z.array(
          z.strictObject({
            name: z.string(),
            ensure: z.enum(['present', 'absent']),
            login: z.boolean(),
            createrole: z.boolean(),
          }),
        ),
      }),
      storage: z.strictObject({ size: quantity }),
      walStorage: z.strictObject({ size: quantity }),
      resources,
      affinity: z.strictObject({
        enablePodAntiAffinity: z.boolean(),
        podAntiAffinityType: z.enum(['required', 'preferred']),
        topologyKey: z.string(),
      }),
      primaryUpdateStrategy: z.enum(['unsupervised', 'supervised']),
      monitoring: z.strictObject({ enablePodMonitor: z.boolean() }),
    }),
  }),
} as const;

/** What is wrong with a resource of one of the operators, a sentence each; empty when nothing is. */
export function operatorMistakes(resource: { kind: string; metadata: { name: string } }): string[] {
  const name = `${resource.kind} ${resource.metadata.name}`;
  const shape = Object.hasOwn(SHAPES, resource.kind)
    ? SHAPES[resource.kind as keyof typeof SHAPES]
    : undefined;
  if (shape === undefined) return [`${name}: no shape is known for this kind`];
  const parsed = shape.safeParse(resource);
  return (parsed.error?.issues ?? []).map((i) => `${name}: ${i.path.join('.')}: ${i.message}`);
}
