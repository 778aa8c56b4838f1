namespace Insa.Iiot;

/// <summary>What became of a change to a device.</summary>
public enum DeviceUpdateResult
{
    /// <summary>It is changed, and its version one more.</summary>
    Done,

    /// <summary>The tenant has no such device.</summary>
    NotFound,

    /// <summary>Somebody else changed it: it is of another version. Read it again.</summary>
    Changed,

    /// <summary>The tenant has no device of its gateway's id other than itself.</summary>
    GatewayNotFound,
}
