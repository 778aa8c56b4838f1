namespace Insa.Iiot.AspNetCore.Authentication;

/// <param name="CreatedAt">When it was made, UTC.</param>
/// <param name="SignsFrom">From when it signs: other hosts have read it by then.</param>
/// <param name="PrivateKey">PKCS #8.</param>
internal sealed record SigningKeyRecord(DateTime CreatedAt, DateTime SignsFrom, byte[] PrivateKey);
