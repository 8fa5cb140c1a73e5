import type { Block, Ledger } from '../chain/ledger.js';
import { JsonError, toBytes } from '../codec/json.js';
import { printBlock, printExecuted, printInfo } from './print.js';
import { type ApiRequest, type Handlers, numberParam, textParam } from './request.js';

const RANGE_MAX = 100;

/** Reading blocks, transactions and receipts. */
export function blockHandlers(ledger: Ledger): Handlers {
  const top = ({ solid, solidBehind }: ApiRequest): number =>
    solid ? Math.max(0, ledger.solidNumber - solidBehind) : ledger.headNumber;
  const blockAt = (request: ApiRequest, number: number): Block | undefined =>
    number <= top(request) ? ledger.block(number) : undefined;
  const print = (request: ApiRequest, block: Block | undefined, detail = true): unknown =>
    block === undefined ? {} : printBlock(block, request.visible, detail);
  const list = (request: ApiRequest, from: number, to: number): unknown => {
    if (to - from + 1 > RANGE_MAX) throw new JsonError(`at most ${RANGE_MAX} blocks at once`);
    const blocks = ledger.blocks(from, Math.min(to, top(request)));
    return blocks.length === 0
      ? {}
      : { block: blocks.map((block) => printBlock(block, request.visible)) };
  };
  const byId = (request: ApiRequest, id: string): Block | undefined => {
    const number = ledger.index.numberOf(toBytes(id, 'value'));
    return number === undefined ? undefined : blockAt(request, number);
  };
  const find = (request: ApiRequest) => {
    const found = ledger.find(textParam(request, 'value').replace(/^0x/, '').toLowerCase());
    return found !== undefined && found.block.header.number <= top(request) ? found : undefined;
  };
  return {
    getnowblock: (request) => print(request, ledger.block(top(request))),
    getblock: (request) => {
      const detail = request.params.detail === true || request.params.detail === 'true';
      const which = request.params.id_or_num;
      if (which === undefined) return print(request, ledger.block(top(request)), detail);
      const text = textParam(request, 'id_or_num');
      const block = /^\d{1,16}$/.test(text) ? blockAt(request, Number(text)) : byId(request, text);
      return print(request, block, detail);
    },
    getblockbynum: (request) => print(request, blockAt(request, numberParam(request, 'num'))),
    getblockbyid: (request) => print(request, byId(request, textParam(request, 'value'))),
    getblockbylimitnext: (request) =>
      list(request, numberParam(request, 'startNum'), numberParam(request, 'endNum') - 1),
    getblockbylatestnum: (request) => {
      const count = numberParam(request, 'num');
      return list(request, top(request) - count + 1, top(request));
    },
    gettransactionbyid: (request) => {
      const found = find(request);
      return found === undefined ? {} : printExecuted(found, request.visible);
    },
    gettransactioninfobyid: (request) => {
      const found = find(request);
      return found === undefined ? {} : printInfo(found, found.block, request.visible);
    },
    gettransactioninfobyblocknum: (request) => {
      const block = blockAt(request, numberParam(request, 'num'));
      return (block?.transactions ?? []).map((executed) =>
        printInfo(executed, block as Block, request.visible),
      );
    },
    gettransactioncountbyblocknum: (request) => ({
      count: blockAt(request, numberParam(request, 'num'))?.transactions.length ?? -1,
    }),
  };
}
