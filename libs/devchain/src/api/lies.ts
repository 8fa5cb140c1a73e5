import { isObject } from '../codec/json.js';

/**
 * An answer with other contents in every transaction and receipt of it: amounts and fees one higher, call data, payees
 * and the data of logs changed in their last digit, what a constant call answers too. Ids, hashes and `raw_data_hex` stay, so that only a client that
 * hashes the raw data itself can tell; of receipts nobody can.
 */
export function alterTransactions(answer: unknown): unknown {
  if (Array.isArray(answer)) return answer.map(alterTransactions);
  if (!isObject(answer)) return answer;
  return Object.fromEntries(
    Object.entries(answer).map(([name, value]) => {
      if (name === 'raw_data') return [name, alterRaw(value)];
      if (name === 'log' && Array.isArray(value)) return [name, value.map(alterLog)];
      if (name === 'constant_result' && Array.isArray(value)) {
        return [name, value.map((word) => alterField('data', word))];
      }
      return [name, name === 'fee' ? alterField('amount', value) : alterTransactions(value)];
    }),
  );
}

function alterLog(log: unknown): unknown {
  return isObject(log) ? { ...log, data: alterField('data', log.data) } : log;
}

function alterRaw(raw: unknown): unknown {
  if (!isObject(raw) || !Array.isArray(raw.contract)) return raw;
  return { ...raw, contract: raw.contract.map(alterContract) };
}

function alterContract(contract: unknown): unknown {
  if (!isObject(contract) || !isObject(contract.parameter)) return contract;
  const { parameter } = contract;
  if (!isObject(parameter.value)) return contract;
  const value = Object.fromEntries(
    Object.entries(parameter.value).map(([name, field]) => [name, alterField(name, field)]),
  );
  return { ...contract, parameter: { ...parameter, value } };
}

function alterField(name: string, field: unknown): unknown {
  if (name === 'amount' && typeof field === 'number') return field + 1;
  if (name === 'amount' && typeof field === 'bigint') return field + 1n;
  const isText = typeof field === 'string' && field !== '';
  if ((name !== 'data' && name !== 'to_address') || !isText) return field;
  return `${field.slice(0, -1)}${field.endsWith('0') ? '1' : '0'}`;
}
