namespace Insa.Iiot.Protocols.Coap.Security;

/// <summary>What is known of a token.</summary>
internal enum TokenStanding
{
    /// <summary>It must be checked first.</summary>
    Unknown,

    /// <summary>It stands for a device.</summary>
    Good,

    /// <summary>It stands for none.</summary>
    Bad,
}
