namespace Insa.Iiot.Protocols.OpcUa;

/// <summary>The security policies there are (OPC UA Part 7), besides None.</summary>
public enum OpcUaSecurityPolicy
{
    /// <summary>RSA with SHA-256, AES-256-CBC: what every product speaks.</summary>
    Basic256Sha256,

    /// <summary>RSA with SHA-256, AES-128-CBC.</summary>
    Aes128Sha256RsaOaep,

    /// <summary>RSA-PSS with SHA-256, OAEP with SHA-256, AES-256-CBC: the strongest.</summary>
    Aes256Sha256RsaPss,
}
