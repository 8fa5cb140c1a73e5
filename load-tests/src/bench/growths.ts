/** What grows in the measurements of `--scale`. */
export const GROWTHS = ['replicas', 'partitions', 'channels', 'journal'] as const;
export type Growth = (typeof GROWTHS)[number];
