import type { ModuleMetadata, OnApplicationShutdown } from '@nestjs/common';
import { Health, Metrics, OpsController } from '#libs/observability';
import { SignerController, SignerUseCases } from './grpc/signer.controller.js';
import type { Parts } from './parts.js';

class Journal implements OnApplicationShutdown {
  constructor(private readonly parts: Parts) {}

  onApplicationShutdown(): Promise<void> {
    return this.parts.journal.close();
  }
}

/** What Nest has to know of the signer. */
export function signerModule(parts: Parts, clientName: string): ModuleMetadata {
  const useCases = new SignerUseCases(parts.service, parts.place, clientName);
  return {
    controllers: [OpsController, SignerController],
    providers: [
      { provide: Health, useValue: new Health() },
      { provide: Metrics, useValue: new Metrics('signer') },
      { provide: SignerUseCases, useValue: useCases },
      { provide: Journal, useValue: new Journal(parts) },
    ],
  };
}
