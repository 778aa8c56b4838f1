namespace Insa.Iiot.Commands.Records;

internal sealed record AnswerRecord(bool IsSuccess, string? ContentType, byte[] Data);
