import { describe, expect, it } from 'vitest';
import { settingsToCorrect } from './topic-settings.js';

const needed = {
  'min.insync.replicas': '2',
  'unclean.leader.election.enable': 'false',
  'retention.ms': '1000',
  'segment.ms': '5',
};
const enough = { ...needed, 'cleanup.policy': 'delete' };

describe('settings of a topic that exists', () => {
  it.each([
    ['as needed', {}],
    ['kept longer', { 'retention.ms': '1001' }],
    ['kept for ever', { 'retention.ms': '-1' }],
    ['more replicas that confirm', { 'min.insync.replicas': '3' }],
    ['other segments', { 'segment.ms': '9' }],
  ])('stay when they promise enough: %s', (_case, change) => {
    expect(settingsToCorrect(needed, { ...enough, ...change })).toEqual({});
  });

  it.each([
    ['min.insync.replicas', '1', '2'],
    ['unclean.leader.election.enable', 'true', 'false'],
    ['retention.ms', '999', '1000'],
    ['cleanup.policy', 'compact', 'delete'],
  ])('are corrected when they promise less: %s', (name, actual, correct) => {
    expect(settingsToCorrect(needed, { ...enough, [name]: actual })).toEqual({ [name]: correct });
  });

  it('are corrected when they are not known', () => {
    expect(settingsToCorrect({ 'max.message.bytes': '7' }, {})).toEqual({
      'cleanup.policy': 'delete',
      'max.message.bytes': '7',
    });
  });
});
