// SPDX-License-Identifier: MIT
pragma solidity 0.8.26;

interface ITrc20 {
    function balanceOf(address account) external view returns (uint256);
}

/// Holds the TRC-20 BTT that backs the ledger. A deposit is a plain transfer to this address.
/// The operator pays out in batches; a batch id can be executed once, so that sending a batch twice,
/// by mistake or after a crash, cannot pay twice.
contract Vault {
    /// Bounds the energy of one call well below what a block and the fee limit allow.
    uint256 public constant RECIPIENTS_MAX = 200;

    address public immutable token;
    address public owner;
    address public pendingOwner;
    address public operator;

    /// Block in which a batch was executed; 0 while it was not.
    mapping(bytes32 => uint256) public executedIn;

    event BatchPaid(bytes32 indexed batchId, uint256 recipients, uint256 total);
    event OperatorChanged(address indexed operator);
    event OwnershipOffered(address indexed candidate);
    event OwnershipTaken(address indexed owner);

    error NotOwner();
    error NotOperator();
    error ZeroAddress();
    error ZeroBatchId();
    error AlreadyExecuted(bytes32 batchId);
    error LengthMismatch();
    error RecipientsOutOfBounds(uint256 recipients);
    error BadRecipient(uint256 index);
    error ZeroAmount(uint256 index);
    error TransferFailed(uint256 index);
    error UnexpectedDebit(uint256 expected, uint256 actual);

    constructor(address token_, address operator_) {
        if (token_ == address(0) || operator_ == address(0)) revert ZeroAddress();
        token = token_;
        owner = msg.sender;
        operator = operator_;
        emit OwnershipTaken(msg.sender);
        emit OperatorChanged(operator_);
    }

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner();
        _;
    }

    /// Pays every recipient or none. Only the operator; each batch id once; 1 to RECIPIENTS_MAX recipients.
    function payBatch(
        bytes32 batchId,
        address[] calldata recipients,
        uint256[] calldata amounts
    ) external {
        if (msg.sender != operator) revert NotOperator();
        if (batchId == bytes32(0)) revert ZeroBatchId();
        if (executedIn[batchId] != 0) revert AlreadyExecuted(batchId);
        uint256 count = recipients.length;
        if (count != amounts.length) revert LengthMismatch();
        if (count == 0 || count > RECIPIENTS_MAX) revert RecipientsOutOfBounds(count);

        // Marked before any token code runs: a hostile token that calls back finds the id used.
        executedIn[batchId] = block.number;
        uint256 before = ITrc20(token).balanceOf(address(this));
        uint256 total;
        for (uint256 index = 0; index < count; ) {
            uint256 amount = amounts[index];
            total += amount;
            _pay(index, recipients[index], amount);
            // Bounded by RECIPIENTS_MAX.
            unchecked {
                ++index;
            }
        }
        uint256 debit = before - ITrc20(token).balanceOf(address(this));
        if (debit != total) revert UnexpectedDebit(total, debit);
        emit BatchPaid(batchId, count, total);
    }

    function setOperator(address operator_) external onlyOwner {
        if (operator_ == address(0)) revert ZeroAddress();
        operator = operator_;
        emit OperatorChanged(operator_);
    }

    /// The candidate has to take the ownership, so that a mistyped address cannot lose it.
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

    function _pay(uint256 index, address recipient, uint256 amount) private {
        if (recipient == address(0) || recipient == address(this)) revert BadRecipient(index);
        if (amount == 0) revert ZeroAmount(index);
        if (!_transfer(token, recipient, amount)) revert TransferFailed(index);
    }

    /// Tokens signal failure by reverting or by returning false; some return nothing at all on success.
    /// Written in assembly because it runs once per payee: it uses the same memory again and again.
    function _transfer(address token_, address to, uint256 amount) private returns (bool done) {
        assembly ("memory-safe") {
            let data := mload(0x40)
            // transfer(address,uint256)
            mstore(data, 0xa9059cbb00000000000000000000000000000000000000000000000000000000)
            mstore(add(data, 0x04), to)
            mstore(add(data, 0x24), amount)
            let called := call(gas(), token_, 0, data, 0x44, data, 0x20)
            switch returndatasize()
            case 0 {
                done := and(called, gt(extcodesize(token_), 0))
            }
            default {
                done := and(called, and(gt(returndatasize(), 0x1f), eq(mload(data), 1)))
            }
        }
    }
}
