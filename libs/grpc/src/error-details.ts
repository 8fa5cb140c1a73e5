import { BinaryWriter } from '@bufbuild/protobuf/wire';

/** Domain of our reasons in google.rpc.ErrorInfo. */
export const ERROR_DOMAIN = 'swarmledger';

/**
 * google.rpc.Status holding one google.rpc.ErrorInfo, as richer gRPC clients read it from
 * `grpc-status-details-bin`. Three fields do not earn a dependency on all of google's protos.
 */
export function encodeErrorDetails(error: {
  code: number;
  message: string;
  reason: string;
}): Buffer {
  const info = new BinaryWriter();
  info.uint32(10).string(error.reason);
  info.uint32(18).string(ERROR_DOMAIN);
  const any = new BinaryWriter();
  any.uint32(10).string('type.googleapis.com/google.rpc.ErrorInfo');
  any.uint32(18).bytes(info.finish());
  const status = new BinaryWriter();
  status.uint32(8).int32(error.code);
  status.uint32(18).string(error.message);
  status.uint32(26).bytes(any.finish());
  return Buffer.from(status.finish());
}
