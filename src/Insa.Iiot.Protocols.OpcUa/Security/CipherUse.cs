namespace Insa.Iiot.Protocols.OpcUa.Security;

/// <summary>What a direction's cipher is for.</summary>
internal enum CipherUse
{
    /// <summary>Chunks are signed alone.</summary>
    None,
    Encrypt,
    Decrypt,
}
