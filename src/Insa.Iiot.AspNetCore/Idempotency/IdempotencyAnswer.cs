namespace Insa.Iiot.AspNetCore.Idempotency;

/// <summary>An answer as it was given.</summary>
internal sealed record IdempotencyAnswer(int Status, string? ContentType, string? Location, string? ETag, byte[] Body);
