namespace Insa.Iiot;

/// <summary>How far a command has come.</summary>
public enum DeviceCommandState
{
    /// <summary>It waits for its device.</summary>
    Waiting,

    /// <summary>The device has confirmed that it has it. This is the end, unless it needs an answer.</summary>
    Delivered,

    /// <summary>The device has answered that it is done.</summary>
    Succeeded,

    /// <summary>The device has answered that it could not be done.</summary>
    Failed,

    /// <summary>It was not delivered, or not answered, in time.</summary>
    Expired,

    /// <summary>It was taken back before the device had answered.</summary>
    Cancelled,
}
