"""The trainings by network, in the order in which they start from one another."""

STAGES = {
    'fcn32s': (
        'fcn32s_voc12aug',
        'fcn32s_gdn-matrices_voc12aug',
        'fcn32s_gdn-labels_voc12aug',
        'fcn32s_gdn-staged_voc12aug',
        'fcn32s_plain-labels_voc12aug',
        'fcn32s_plain-staged_voc12aug',
        'fcn32s_gdn-staged_voc12trainval',
    ),
    'deeplab-largefov': (
        'deeplab-largefov_voc12aug',
        'deeplab-largefov_whole_voc12aug',
        'deeplab-largefov_gdn-matrices_voc12aug',
        'deeplab-largefov_gdn-labels_voc12aug',
        'deeplab-largefov_gdn-staged_voc12aug',
        'deeplab-largefov_plain-labels_voc12aug',
        'deeplab-largefov_plain-staged_voc12aug',
        'deeplab-largefov_gdn-staged_voc12trainval',
    ),
}
# The model whose CRF is searched, and which is a member of the ensemble.
FINAL = '{network}_gdn-staged_voc12aug'
# It has seen val, so it is for the test server only.
FOR_SERVER = '{network}_gdn-staged_voc12trainval'
# What its name says, for the plan.
PURPOSES = {
    'gdn-matrices': 'learn the matrices alone',
    'gdn-labels': 'add the classification loss',
    'gdn-staged': 'train everything together',
    'plain-labels': 'baseline: train on for as long without matrices and classification loss',
    'plain-staged': 'baseline: train on for as long without matrices and classification loss',
    'whole': 'baseline on the images and labels of the stages',
}
