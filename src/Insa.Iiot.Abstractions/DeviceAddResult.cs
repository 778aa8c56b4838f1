namespace Insa.Iiot;

/// <summary>What became of one device of many.</summary>
public enum DeviceAddResult
{
    /// <summary>It is registered.</summary>
    Added,

    /// <summary>The tenant already has a device of that id, which stays as it is.</summary>
    Exists,

    /// <summary>The tenant has no device of its gateway's id other than itself.</summary>
    GatewayNotFound,

    /// <summary>The tenant has as many devices as it may have.</summary>
    LimitReached,
}
