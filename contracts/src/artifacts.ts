import bttToken from '../artifacts/BttToken.json' with { type: 'json' };
import vault from '../artifacts/Vault.json' with { type: 'json' };

/** The committed artefacts, by contract. */
export const ARTIFACTS = { BttToken: bttToken, Vault: vault } as const;
