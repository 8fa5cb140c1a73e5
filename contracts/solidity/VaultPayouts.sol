// SPDX-License-Identifier: MIT
pragma solidity 0.8.26;

import "./VaultBase.sol";

/// Deposits in, payouts out: sent in batches, or reserved to be claimed.
abstract contract VaultPayouts is VaultBase {
    /// Bounds the energy of one call well below what a block and the fee limit allow.
    uint256 public constant RECIPIENTS_MAX = 200;
    /// What the token's code may use for one payout: several times a transfer, also at TRON's highest penalty for busy
    /// contracts. One that eats more fails alone instead of starving the rest of its batch.
    uint256 public constant TRANSFER_ENERGY_MAX = 300_000;
    /// With less than this left before a transfer that failed, nobody can tell whether the energy was to blame.
    uint256 private constant TRANSFER_ENERGY_NEEDED = 310_000;
    uint256 private constant CLAIM_PERIOD_MIN = 1 days;
    uint256 private constant CLAIM_PERIOD_MAX = 366 days;

    /// Payouts of a batch that wait to be claimed.
    struct ClaimSet {
        bytes32 root;
        uint64 totalUnits;
        uint64 claimedUnits;
        /// Seconds.
        uint40 claimableUntil;
        bool released;
    }

    mapping(bytes32 => ClaimSet) public claimSets;

    event Deposited(address indexed account, address indexed from, uint256 amount);
    event BatchPaid(bytes32 indexed batchId, uint256 recipients, uint256 total);
    event PayoutFailed(bytes32 indexed batchId, uint256 indexed line, address payee, uint256 amount);
    event ClaimsCommitted(
        bytes32 indexed batchId,
        bytes32 root,
        uint256 totalUnits,
        uint256 claimableUntil
    );
    event Claimed(bytes32 indexed batchId, uint256 indexed line, address payee, uint256 units);
    event ClaimsReleased(bytes32 indexed batchId, uint256 units);

    error ZeroBatchId();
    error AlreadyExecuted(bytes32 batchId);
    error LengthMismatch();
    error RecipientsOutOfBounds(uint256 recipients);
    error EpochTooOld();
    error FundsShort(uint256 line);
    error EnergyShort(uint256 line);
    error UnexpectedDebit(uint256 expected, uint256 actual);
    error ReserveTouched();
    error BadAmount();
    error BadAccount();
    error UnexpectedCredit(uint256 expected, uint256 actual);
    error NotClaimable(bytes32 batchId);
    error StillClaimable();
    error NothingToRelease();
    error WrongRoot();

    /// Pulls `amount` base units from the caller, who has approved them, for an account of the ledger. Whole units only,
    /// so that no dust is lost; the vault must receive exactly what was sent, so a token that takes a fee is refused.
    function deposit(address account, uint256 amount) external locked {
        _requireOpen();
        if (amount == 0 || amount % BASE_UNITS_PER_UNIT != 0) revert BadAmount();
        if (account == address(0) || account == address(this) || account == token) {
            revert BadAccount();
        }
        uint256 before = _balance();
        if (!TokenCalls.transferFrom(token, msg.sender, address(this), amount)) {
            revert TransferFailed();
        }
        uint256 arrived = _balance() - before;
        if (arrived != amount) revert UnexpectedCredit(amount, arrived);
        emit Deposited(account, msg.sender, amount);
    }

    /// Pays 1 to RECIPIENTS_MAX payees, amounts in base units. Only the operator; each batch id once. A payee that
    /// cannot be paid is skipped with PayoutFailed and its amount stays free in the vault: the ledger gives it back.
    function payBatch(
        bytes32 batchId,
        address[] calldata recipients,
        uint256[] calldata amounts
    ) external onlyOperator locked {
        _requireUnused(batchId);
        uint256 count = recipients.length;
        if (count != amounts.length) revert LengthMismatch();
        if (count == 0 || count > RECIPIENTS_MAX) revert RecipientsOutOfBounds(count);

        executedIn[batchId] = block.number;
        uint256 reserved = _status.reserved;
        uint256 before = _balance();
        uint256 total;
        uint256 paid;
        for (uint256 line = 0; line < count; ) {
            uint256 amount = amounts[line];
            if (_pay(line, recipients[line], amount)) {
                total += amount;
                ++paid;
            } else {
                // A vault that runs dry is nobody's failure but the operator's: nothing is paid then, and the id stays free.
                if (before - total < reserved + amount) revert FundsShort(line);
                emit PayoutFailed(batchId, line, recipients[line], amount);
            }
            // Bounded by RECIPIENTS_MAX.
            unchecked {
                ++line;
            }
        }
        uint256 left = _balance();
        if (left + total != before) revert UnexpectedDebit(total, before - left);
        if (left < reserved) revert ReserveTouched();
        emit BatchPaid(batchId, paid, total);
    }

    /// Reserves the payouts of a batch to be claimed with Merkle proofs until `claimableUntil` (seconds). Only the
    /// operator; the id is used up as if the batch had been paid.
    function commitClaims(
        bytes32 batchId,
        bytes32 root,
        uint64 totalUnits,
        uint40 claimableUntil
    ) external onlyOperator locked {
        _requireUnused(batchId);
        if (root == bytes32(0)) revert ZeroRoot();
        if (totalUnits == 0) revert BadAmount();
        if (
            claimableUntil < block.timestamp + CLAIM_PERIOD_MIN ||
            claimableUntil > block.timestamp + CLAIM_PERIOD_MAX
        ) revert OutOfBounds();
        uint128 reserved = _status.reserved + uint128(totalUnits * BASE_UNITS_PER_UNIT);
        if (reserved > _balance()) revert FundsShort(0);
        _status.reserved = reserved;
        claimSets[batchId] = ClaimSet(root, totalUnits, 0, claimableUntil, false);
        emit ClaimsCommitted(batchId, root, totalUnits, claimableUntil);
    }

    /// Pays one reserved payout to its payee, whoever asks for it. Also while paused, and after the exit was opened.
    function claim(bytes calldata leaf, bytes calldata proof) external {
        (bytes32 batchId, uint256 line, address payee, uint64 units) = _payoutLeaf(leaf);
        ClaimSet memory set = claimSets[batchId];
        if (set.root == bytes32(0) || block.timestamp > set.claimableUntil) {
            revert NotClaimable(batchId);
        }
        (bytes32 root, uint64 totalUnits) = SumTree.fold(leaf, proof);
        if (root != set.root || totalUnits != set.totalUnits) revert WrongRoot();
        _takeLine(batchId, line);
        claimSets[batchId].claimedUnits = set.claimedUnits + units;
        uint256 amount = units * BASE_UNITS_PER_UNIT;
        // The lock and what it guards in one write of their common slot.
        Status memory locking = _status;
        if (locking.lock != UNLOCKED) revert Reentered();
        locking.lock = LOCKED;
        locking.reserved -= uint128(amount);
        _status = locking;
        _send(payee, amount);
        _status.lock = UNLOCKED;
        emit Claimed(batchId, line, payee, units);
    }

    /// Frees what nobody claimed in time. Anybody may: it moves nothing out of the vault.
    function releaseClaims(bytes32 batchId) external locked {
        ClaimSet memory set = claimSets[batchId];
        if (set.root == bytes32(0) || set.released) revert NothingToRelease();
        if (block.timestamp <= set.claimableUntil) revert StillClaimable();
        uint64 units = set.totalUnits - set.claimedUnits;
        claimSets[batchId].released = true;
        _status.reserved -= uint128(units * BASE_UNITS_PER_UNIT);
        emit ClaimsReleased(batchId, units);
    }

    function isUsed(bytes32 batchId) public view virtual returns (bool);

    function _requireUnused(bytes32 batchId) private view {
        _requireOpen();
        if (block.timestamp > _payoutsUntil(_status.lastEpochAt)) revert EpochTooOld();
        if (batchId == bytes32(0)) revert ZeroBatchId();
        if (isUsed(batchId)) revert AlreadyExecuted(batchId);
    }

    /// False when this payee cannot be paid, whatever the reason.
    function _pay(uint256 line, address payee, uint256 amount) private returns (bool) {
        if (payee == address(0) || payee == address(this) || payee == token || amount == 0) {
            return false;
        }
        uint256 energy = gasleft();
        if (TokenCalls.transfer(token, payee, amount, TRANSFER_ENERGY_MAX)) return true;
        if (energy < TRANSFER_ENERGY_NEEDED) revert EnergyShort(line);
        return false;
    }
}
