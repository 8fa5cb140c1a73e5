// SPDX-License-Identifier: MIT
pragma solidity 0.8.26;

import "./VaultBase.sol";

/// The way out when the operator is gone: everybody takes what the last epoch says, and vouchers of its channels count
/// that the ledger never saw. docs/vault.md has the rules and their reasons.
abstract contract VaultExits is VaultBase {
    /// How long leaves are accepted after the exit was opened.
    uint256 public constant FILING_PERIOD = 180 days;
    uint256 private constant HALF_ORDER =
        0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;
    uint256 private constant ADDRESS_MASK = (1 << 160) - 1;
    bytes32 private constant VOUCHER_TYPE =
        keccak256(
            "Voucher(bytes32 channelId,address payee,uint256 cumulativeUnits,uint256 validUntilMs)"
        );

    /// What one person takes from the pot.
    struct Exit {
        uint64 units;
        /// Base units paid so far.
        uint128 paid;
        bool accountTaken;
    }

    /// A channel of the last epoch that is being wound up.
    struct ChannelExit {
        /// The highest amount shown, at first what was booked.
        uint64 cumulativeUnits;
        /// Seconds; 0 before the channel was filed.
        uint40 endsAt;
        bool settled;
    }

    /// All leaves taken so far, and all base units paid for them.
    struct Filed {
        uint64 units;
        uint128 paid;
    }

    struct Channel {
        bytes32 id;
        address payer;
        address payee;
        uint64 bookedUnits;
        /// Booked and remaining.
        uint64 depositUnits;
    }

    /// What vouchers are signed under, as libs/domain/src/typed-data.ts computes it.
    bytes32 public immutable domainSeparator;
    mapping(address => Exit) public exits;
    /// By the hash of the channel's leaf.
    mapping(bytes32 => ChannelExit) public channelExits;
    Filed public filed;

    event ExitOpened(uint64 indexed epoch, uint256 totalUnits, uint256 potBaseUnits);
    event AccountExited(address indexed account, uint256 units);
    event PayoutExited(bytes32 indexed batchId, uint256 indexed line, address payee, uint256 units);
    event ChannelFiled(
        bytes32 indexed channelId,
        address indexed payer,
        address indexed payee,
        uint256 endsAt
    );
    event VoucherRedeemed(bytes32 indexed channelId, address indexed payee, uint256 cumulativeUnits);
    event ChannelSettled(bytes32 indexed channelId, address indexed payer, uint256 units);
    event ExitPaid(address indexed to, uint256 baseUnits);
    event SurplusTaken(address indexed to, uint256 baseUnits);

    error OperatorAlive(uint256 exitOpensAt);
    error NoEpoch();
    error NotOpened();
    error FilingOver();
    error FilingNotOver();
    error NotInEpoch();
    error AccountTaken();
    error BatchExecuted(bytes32 batchId);
    error NotPayer();
    error AlreadyFiled();
    error ChannelOver();
    error WindowNotOver(uint256 endsAt);
    error VoucherExpired();
    error BadSignature();
    error NotHigher(uint64 cumulativeUnits);
    error NothingDue();

    constructor() {
        domainSeparator = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256("Swarmledger"),
                keccak256("1"),
                // Older chains give the whole genesis id, newer ones its last four bytes: those are what TIP-712 signs.
                block.chainid & 0xffffffff,
                address(this)
            )
        );
    }

    /// Closes the vault for the operator, for ever, and lets everybody out by the last epoch. Anybody may, once the
    /// operator has committed no epoch for `exitDelay`.
    function openExit() external {
        Status memory s = _status;
        if (s.closedAt != 0) revert IsClosed();
        if (s.lock != UNLOCKED) revert Reentered();
        if (lastEpoch == 0) revert NoEpoch();
        if (block.timestamp <= s.lastEpochAt + exitDelay) {
            revert OperatorAlive(s.lastEpochAt + exitDelay);
        }
        _status.closedAt = uint40(block.timestamp);
        emit ExitOpened(lastEpoch, epochs[lastEpoch].totalUnits, freeBaseUnits());
    }

    /// Takes an account's leaf. Anybody may; the account is paid.
    function exitAccount(bytes calldata leaf, bytes calldata proof) external locked {
        SumTree.checkKind(leaf, SumTree.ACCOUNT);
        address account = address(bytes20(leaf[33:53]));
        Exit memory mine = exits[account];
        if (mine.accountTaken) revert AccountTaken();
        mine.accountTaken = true;
        Filed memory all = _file(leaf, proof);
        uint64 units = SumTree.unitsOf(leaf);
        emit AccountExited(account, units);
        _entitle(account, mine, all, units);
    }

    /// Takes a line of a batch that was planned when the epoch was committed and never executed.
    function exitPayout(bytes calldata leaf, bytes calldata proof) external locked {
        (bytes32 batchId, uint256 line, address payee, uint64 units) = _payoutLeaf(leaf);
        if (isUsed(batchId)) revert BatchExecuted(batchId);
        _takeLine(batchId, line);
        Filed memory all = _file(leaf, proof);
        emit PayoutExited(batchId, line, payee, units);
        _entitle(payee, exits[payee], all, units);
    }

    /// Starts the window after which the payer takes what its payee has not shown vouchers for. Only the payer: nobody
    /// else gains by it, and it is a payee's clock that starts.
    function fileChannel(bytes calldata leaf, bytes calldata proof) external locked {
        Channel memory channel = _channelLeaf(leaf);
        if (msg.sender != channel.payer) revert NotPayer();
        bytes32 key = keccak256(leaf);
        if (channelExits[key].endsAt != 0) revert AlreadyFiled();
        filed = _file(leaf, proof);
        channelExits[key] = _startWindow(channel);
    }

    /// Pays the payee what a voucher is above what was booked or shown before. Anybody may send it: the payer has signed
    /// it and the payee is paid. The proof may be empty once the channel is filed. Vouchers count until the channel is
    /// settled; what exceeds the channel's deposit does not.
    function redeemVoucher(
        bytes calldata leaf,
        bytes calldata proof,
        uint256 cumulativeUnits,
        uint256 validUntilMs,
        bytes32 r,
        bytes32 s
    ) external locked {
        Channel memory channel = _channelLeaf(leaf);
        bytes32 key = keccak256(leaf);
        ChannelExit memory shown = channelExits[key];
        if (shown.settled) revert ChannelOver();
        Filed memory all;
        if (shown.endsAt == 0) {
            all = _file(leaf, proof);
            shown = _startWindow(channel);
        } else {
            all = filed;
        }
        // Time stands still for vouchers when the operator was last seen: until then their payee could post them.
        if (validUntilMs < uint256(_status.lastEpochAt) * 1000) revert VoucherExpired();
        _checkSignature(channel, cumulativeUnits, validUntilMs, r, s);
        uint64 capped = cumulativeUnits < channel.depositUnits
            ? uint64(cumulativeUnits)
            : channel.depositUnits;
        if (capped <= shown.cumulativeUnits) revert NotHigher(shown.cumulativeUnits);
        uint64 units = capped - shown.cumulativeUnits;
        shown.cumulativeUnits = capped;
        channelExits[key] = shown;
        emit VoucherRedeemed(channel.id, channel.payee, capped);
        _entitle(channel.payee, exits[channel.payee], all, units);
    }

    /// Gives the rest of a channel to its payer once the window is over. Anybody may.
    function settleChannel(bytes calldata leaf) external locked {
        Channel memory channel = _channelLeaf(leaf);
        bytes32 key = keccak256(leaf);
        ChannelExit memory shown = channelExits[key];
        if (shown.endsAt == 0) revert NotOpened();
        if (shown.settled) revert ChannelOver();
        if (block.timestamp <= shown.endsAt) revert WindowNotOver(shown.endsAt);
        channelExits[key].settled = true;
        uint64 units = channel.depositUnits - shown.cumulativeUnits;
        emit ChannelSettled(channel.id, channel.payer, units);
        _entitle(channel.payer, exits[channel.payer], filed, units);
    }

    /// Pays what has become due to somebody since the last payment: because a transfer failed then, or because the pot
    /// has grown.
    function collect(address to) external locked {
        uint256 due = dueTo(to);
        if (due == 0) revert NothingDue();
        if (!_entitle(to, exits[to], filed, 0)) revert TransferFailed();
    }

    /// After the filing period, what is left beyond all that was filed belongs to the owner.
    function takeSurplus(address to) external onlyOwner locked {
        if (to == address(0)) revert ZeroAddress();
        if (_filingOpen()) revert FilingNotOver();
        uint256 pot = freeBaseUnits() + filed.paid;
        uint256 owed = filed.units * BASE_UNITS_PER_UNIT;
        if (pot <= owed) revert NothingDue();
        _send(to, pot - owed);
        emit SurplusTaken(to, pot - owed);
    }

    /// Base units that `collect` would pay now.
    function dueTo(address to) public view returns (uint256) {
        return _due(exits[to], filed);
    }

    function isUsed(bytes32 batchId) public view virtual returns (bool);

    /// Reverts unless leaves are still accepted and this one is in the last epoch. Returns what is filed with it, which the
    /// caller stores.
    function _file(
        bytes calldata leaf,
        bytes calldata proof
    ) private view returns (Filed memory all) {
        if (!_filingOpen()) revert FilingOver();
        Epoch memory epoch = epochs[lastEpoch];
        (bytes32 root, uint64 totalUnits) = SumTree.fold(leaf, proof);
        if (root != epoch.root || totalUnits != epoch.totalUnits) revert NotInEpoch();
        all = filed;
        all.units += SumTree.unitsOf(leaf);
    }

    function _startWindow(Channel memory channel) private returns (ChannelExit memory) {
        uint40 endsAt = uint40(block.timestamp + challengeWindow);
        emit ChannelFiled(channel.id, channel.payer, channel.payee, endsAt);
        return ChannelExit(channel.bookedUnits, endsAt, false);
    }

    /// Reverts before the exit is open.
    function _filingOpen() private view returns (bool) {
        uint256 closedAt = _status.closedAt;
        if (closedAt == 0) revert NotOpened();
        return block.timestamp <= closedAt + FILING_PERIOD;
    }

    /// Adds to what somebody takes, pays what is due and stores both. False when the transfer failed: `collect` makes up
    /// for it, so that a payee whom the token refuses today keeps its right.
    function _entitle(
        address to,
        Exit memory mine,
        Filed memory all,
        uint64 units
    ) private returns (bool paid) {
        mine.units += units;
        uint256 due = _due(mine, all);
        mine.paid += uint128(due);
        all.paid += uint128(due);
        exits[to] = mine;
        filed = all;
        // Paying itself would count what stays as paid, and so as part of the pot twice.
        paid = due != 0 && to != address(this) && TokenCalls.transfer(token, to, due, gasleft());
        if (paid) {
            emit ExitPaid(to, due);
        } else if (due != 0) {
            exits[to].paid -= uint128(due);
            filed.paid -= uint128(due);
        }
    }

    /// A share of the pot: in full when it suffices for everybody, else in the same proportion for everybody. While
    /// leaves are accepted, everybody means the whole epoch, so that nobody gains by being first; later, those who came.
    function _due(Exit memory mine, Filed memory all) private view returns (uint256) {
        uint256 free = freeBaseUnits();
        uint256 pot = free + all.paid;
        uint256 claims = (_filingOpen() ? epochs[lastEpoch].totalUnits : all.units) *
            BASE_UNITS_PER_UNIT;
        uint256 share = mine.units * BASE_UNITS_PER_UNIT;
        if (pot < claims) share = (share * pot) / claims;
        if (share <= mine.paid) return 0;
        uint256 due = share - mine.paid;
        return due < free ? due : free;
    }

    function _channelLeaf(bytes calldata leaf) private pure returns (Channel memory channel) {
        SumTree.checkKind(leaf, SumTree.CHANNEL);
        channel.id = bytes32(leaf[33:65]);
        channel.payer = address(bytes20(leaf[65:85]));
        channel.payee = address(bytes20(leaf[85:105]));
        channel.bookedUnits = uint64(bytes8(leaf[105:113]));
        // Checked: a deposit that wraps around would let a channel pay more than its leaf.
        channel.depositUnits = channel.bookedUnits + SumTree.unitsOf(leaf);
    }

    /// Reverts unless the channel's payer has signed the voucher. As in the ledger there is no recovery byte, so both
    /// keys that could have made the signature are tried, and of the two signatures with the same meaning only the one
    /// with the low s counts.
    function _checkSignature(
        Channel memory channel,
        uint256 cumulativeUnits,
        uint256 validUntilMs,
        bytes32 r,
        bytes32 s
    ) private view {
        bytes32 structHash = keccak256(
            abi.encode(VOUCHER_TYPE, channel.id, channel.payee, cumulativeUnits, validUntilMs)
        );
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", domainSeparator, structHash));
        if (uint256(s) > HALF_ORDER || channel.payer == address(0)) revert BadSignature();
        if (_signer(digest, 27, r, s) == channel.payer) return;
        if (_signer(digest, 28, r, s) != channel.payer) revert BadSignature();
    }

    /// TRON's ecrecover gives 21 bytes, 0x41 ‖ address: only the last 20 are the address here.
    function _signer(
        bytes32 digest,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) private view returns (address signer) {
        assembly ("memory-safe") {
            let input := mload(0x40)
            mstore(input, digest)
            mstore(add(input, 0x20), v)
            mstore(add(input, 0x40), r)
            mstore(add(input, 0x60), s)
            // Nothing is written when there is no such key: zero stays.
            mstore(0, 0)
            pop(staticcall(gas(), 1, input, 0x80, 0, 0x20))
            signer := and(mload(0), ADDRESS_MASK)
        }
    }
}
