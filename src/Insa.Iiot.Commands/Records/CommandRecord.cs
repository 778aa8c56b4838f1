namespace Insa.Iiot.Commands.Records;

internal sealed record CommandRecord(
    string Name,
    byte[] Data,
    bool NeedsAnswer,
    DateTime CreatedAt,
    DateTime ExpiresAt,
    DeviceCommandState State,
    DateTime? DeliveredAt = null,
    DateTime? ClosedAt = null,
    AnswerRecord? Answer = null
);
