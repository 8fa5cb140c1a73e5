import type { Ledger } from '../chain/ledger.js';
import { addressKey } from '../codec/address.js';
import { type JsonObject, messageToJson, toBytes } from '../codec/json.js';
import { bytesOf, decode, type Message } from '../codec/protobuf.js';
import { assetSchema } from '../codec/schema.js';
import { tokenIds } from '../state/accounts.js';
import { get } from '../state/world.js';
import { type ApiRequest, addressKeyParam, type Handlers, textParam } from './request.js';

/** Reading TRC-10 tokens. */
export function assetHandlers(ledger: Ledger): Handlers {
  const tokenOf = (request: ApiRequest, id: string): Message | undefined => {
    const bytes = get(request.solid ? ledger.solidState : ledger.world, 'token', id);
    return bytes === undefined ? undefined : decode(assetSchema, bytes);
  };
  const print = ({ visible }: ApiRequest, token: Message): JsonObject =>
    messageToJson(assetSchema, token, visible);
  const list = (request: ApiRequest, wanted: (token: Message) => boolean): JsonObject => {
    const tokens = tokenIds(ledger.world)
      .map((id) => tokenOf(request, id))
      .filter((token) => token !== undefined)
      .filter(wanted);
    return tokens.length === 0 ? {} : { assetIssue: tokens.map((token) => print(request, token)) };
  };
  const named = (request: ApiRequest) => {
    const text = textParam(request, 'value');
    const name = request.visible ? Buffer.from(text) : toBytes(text, 'value');
    return (token: Message) => name.equals(bytesOf(token, 'name'));
  };
  return {
    getassetissuebyid: (request) => {
      const token = tokenOf(request, textParam(request, 'value'));
      return token === undefined ? {} : print(request, token);
    },
    getassetissuelist: (request) => list(request, () => true),
    getpaginatedassetissuelist: (request) => list(request, () => true),
    getassetissuelistbyname: (request) => list(request, named(request)),
    getassetissuebyname: (request) => {
      const { assetIssue } = list(request, named(request)) as { assetIssue?: JsonObject[] };
      const [first, second] = assetIssue ?? [];
      if (second !== undefined) {
        throw new Error('To get more than one asset, please use getassetissuebyid syntax');
      }
      return first ?? {};
    },
    getassetissuebyaccount: (request) => {
      const owner = addressKeyParam(request, 'address');
      return list(request, (token) => addressKey(bytesOf(token, 'owner_address')) === owner);
    },
  };
}
