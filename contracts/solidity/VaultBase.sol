// SPDX-License-Identifier: MIT
pragma solidity 0.8.26;

import "./SumTree.sol";
import "./TokenCalls.sol";

/// What all parts of the vault share: the token, the roles, the epochs, and who may act when.
abstract contract VaultBase {
    /// Base units of the token in one unit of the ledger (18 decimals against 10⁻³ BTT).
    uint256 public constant BASE_UNITS_PER_UNIT = 1e15;
    uint256 private constant EXIT_DELAY_MIN = 1 days;
    uint256 private constant EXIT_DELAY_MAX = 90 days;
    uint256 private constant CHALLENGE_WINDOW_MIN = 1 hours;
    uint256 private constant CHALLENGE_WINDOW_MAX = 30 days;
    /// The lock is never 0, so that taking it never fills an empty slot, which costs four times as much.
    uint8 internal constant UNLOCKED = 1;
    uint8 internal constant LOCKED = 2;

    /// One storage slot: what is read together and often written together.
    struct Status {
        /// Base units promised to claims that are still open.
        uint128 reserved;
        /// Seconds; 0 before the first epoch. The operator's only sign of life.
        uint40 lastEpochAt;
        /// Seconds; not 0 once the exit is open, for ever.
        uint40 closedAt;
        uint8 lock;
        bool paused;
    }

    /// A commitment to everything the ledger owes.
    struct Epoch {
        bytes32 root;
        uint64 totalUnits;
        uint40 committedAt;
    }

    address public immutable token;
    /// Seconds without an epoch after which anybody may open the exit.
    uint256 public immutable exitDelay;
    /// Seconds that a payee has at least to show a higher voucher.
    uint256 public immutable challengeWindow;

    address public owner;
    address public pendingOwner;
    address public operator;
    uint64 public lastEpoch;
    Status internal _status;

    mapping(uint64 => Epoch) public epochs;
    /// Block in which a batch was executed; 0 while it was not.
    mapping(bytes32 => uint256) public executedIn;
    /// Lines of a batch that were claimed or exited: 256 of them in a word.
    mapping(bytes32 => mapping(uint256 => uint256)) private _takenLines;

    event EpochCommitted(
        uint64 indexed epoch,
        bytes32 root,
        uint256 totalUnits,
        uint256 freeBaseUnits
    );
    event Paused(address by);
    event Unpaused();
    event OperatorChanged(address indexed operator);
    event OwnershipOffered(address indexed candidate);
    event OwnershipTaken(address indexed owner);

    error NotOwner();
    error NotOperator();
    error ZeroAddress();
    error OutOfBounds();
    error IsPaused();
    error NotPaused();
    error IsClosed();
    error Reentered();
    error EpochNotAhead(uint64 lastEpoch);
    error ZeroRoot();
    error LineTaken(bytes32 batchId, uint256 line);
    error TransferFailed();

    constructor(address token_, address operator_, uint256 exitDelay_, uint256 challengeWindow_) {
        if (token_ == address(0) || operator_ == address(0)) revert ZeroAddress();
        if (exitDelay_ < EXIT_DELAY_MIN || exitDelay_ > EXIT_DELAY_MAX) revert OutOfBounds();
        if (challengeWindow_ < CHALLENGE_WINDOW_MIN || challengeWindow_ > CHALLENGE_WINDOW_MAX) {
            revert OutOfBounds();
        }
        token = token_;
        exitDelay = exitDelay_;
        challengeWindow = challengeWindow_;
        owner = msg.sender;
        operator = operator_;
        _status.lock = UNLOCKED;
        emit OwnershipTaken(msg.sender);
        emit OperatorChanged(operator_);
    }

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner();
        _;
    }

    modifier onlyOperator() {
        if (msg.sender != operator) revert NotOperator();
        _;
    }

    /// While one function with this runs no other can: whatever the token calls back, it finds the door shut.
    modifier locked() {
        _lock();
        _;
        _status.lock = UNLOCKED;
    }

    /// Commits to all that the ledger owes: the root of a Merkle-sum tree and its total. Only the operator, only forward,
    /// not while paused. This, and nothing else, tells that the operator is there.
    function commitEpoch(uint64 epoch, bytes32 root, uint64 totalUnits) external onlyOperator {
        _requireOpen();
        if (epoch <= lastEpoch) revert EpochNotAhead(lastEpoch);
        if (root == bytes32(0)) revert ZeroRoot();
        lastEpoch = epoch;
        epochs[epoch] = Epoch(root, totalUnits, uint40(block.timestamp));
        _status.lastEpochAt = uint40(block.timestamp);
        emit EpochCommitted(epoch, root, totalUnits, freeBaseUnits());
    }

    /// Stops deposits, payouts and epochs; claims and the exit go on. A pause longer than `exitDelay` opens the exit.
    function pause() external {
        if (msg.sender != owner && msg.sender != operator) revert NotOwner();
        if (_status.paused) revert IsPaused();
        _status.paused = true;
        emit Paused(msg.sender);
    }

    function unpause() external onlyOwner {
        if (!_status.paused) revert NotPaused();
        _status.paused = false;
        emit Unpaused();
    }

    function setOperator(address operator_) external onlyOwner {
        if (operator_ == address(0)) revert ZeroAddress();
        operator = operator_;
        emit OperatorChanged(operator_);
    }

    /// The candidate has to take the ownership, so that a mistyped address cannot lose it. Zero takes an offer back.
    function offerOwnership(address candidate) external onlyOwner {
        pendingOwner = candidate;
        emit OwnershipOffered(candidate);
    }

    function takeOwnership() external {
        if (msg.sender != pendingOwner) revert NotOwner();
        owner = msg.sender;
        pendingOwner = address(0);
        emit OwnershipTaken(msg.sender);
    }

    /// Everything a payer has to look at before it signs, in one call. `payoutsUntil` is the second until which payouts
    /// are possible without another epoch.
    function status()
        external
        view
        returns (
            uint256 freeBase,
            uint256 reservedBase,
            uint256 epoch,
            uint256 epochAt,
            uint256 payoutsUntil,
            uint256 closedAt,
            bool paused
        )
    {
        Status memory s = _status;
        return (
            freeBaseUnits(),
            s.reserved,
            lastEpoch,
            s.lastEpochAt,
            _payoutsUntil(s.lastEpochAt),
            s.closedAt,
            s.paused
        );
    }

    /// What the vault holds beyond what it has promised to claims.
    function freeBaseUnits() public view returns (uint256) {
        uint256 balance = _balance();
        uint256 reserved = _status.reserved;
        return balance > reserved ? balance - reserved : 0;
    }

    /// Root and total that a leaf and its proof lead to, for comparison with those of an epoch or of claims.
    function rootOf(
        bytes calldata leaf,
        bytes calldata proof
    ) external pure returns (bytes32 root, uint64 totalUnits) {
        if (leaf.length < 8) revert SumTree.BadLeaf();
        return SumTree.fold(leaf, proof);
    }

    /// True when a line of a batch was claimed or exited.
    function lineTaken(bytes32 batchId, uint256 line) external view returns (bool) {
        return _takenLines[batchId][line >> 8] & (1 << (line & 0xff)) != 0;
    }

    function _lock() internal {
        if (_status.lock != UNLOCKED) revert Reentered();
        _status.lock = LOCKED;
    }

    function _requireOpen() internal view {
        if (_status.closedAt != 0) revert IsClosed();
        if (_status.paused) revert IsPaused();
    }

    /// Payouts stop when the last epoch is half as old as opens the exit: whoever forgets to commit notices long before.
    /// Before the first epoch nothing can be exited, so nothing is asked for.
    function _payoutsUntil(uint256 lastEpochAt) internal view returns (uint256) {
        return lastEpochAt == 0 ? type(uint256).max : lastEpochAt + exitDelay / 2;
    }

    function _balance() internal view returns (uint256) {
        return ITrc20(token).balanceOf(address(this));
    }

    function _send(address to, uint256 amount) internal {
        if (!TokenCalls.transfer(token, to, amount, gasleft())) revert TransferFailed();
    }

    /// Splits a payout leaf: a line of a batch that is claimed or exited instead of being sent.
    function _payoutLeaf(
        bytes calldata leaf
    ) internal pure returns (bytes32 batchId, uint256 line, address payee, uint64 units) {
        SumTree.checkKind(leaf, SumTree.PAYOUT);
        batchId = bytes32(leaf[1:33]);
        line = uint32(bytes4(leaf[33:37]));
        payee = address(bytes20(leaf[37:57]));
        units = SumTree.unitsOf(leaf);
    }

    function _takeLine(bytes32 batchId, uint256 line) internal {
        uint256 word = _takenLines[batchId][line >> 8];
        uint256 bit = 1 << (line & 0xff);
        if (word & bit != 0) revert LineTaken(batchId, line);
        _takenLines[batchId][line >> 8] = word | bit;
    }
}
