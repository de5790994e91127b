"""The languages of FLORES-200: their codes and English names.

An entry is the code of Wikipedia (ISO 639-1, or 639-3 where there is none), FLORES-200's (ISO 639-3
and the script, ISO 15924), after a slash the ISO 639-3 code of the macrolanguage under which other
sets have it, and the name.
"""

ENTRIES = """\
ace ace_Arab Acehnese; ace ace_Latn Acehnese; acm acm_Arab Mesopotamian Arabic;
acq acq_Arab Ta'izzi-Adeni Arabic; aeb aeb_Arab Tunisian Arabic; af afr_Latn Afrikaans;
ajp ajp_Arab South Levantine Arabic; ak aka_Latn Akan; sq als_Latn/sqi Albanian;
am amh_Ethi Amharic; apc apc_Arab North Levantine Arabic; ar arb_Arab/ara Arabic;
ar arb_Latn/ara Arabic; ars ars_Arab Najdi Arabic; ary ary_Arab Moroccan Arabic;
arz arz_Arab Egyptian Arabic; as asm_Beng Assamese; ast ast_Latn Asturian; awa awa_Deva Awadhi;
ay ayr_Latn/aym Aymara; azb azb_Arab South Azerbaijani; az azj_Latn/aze Azerbaijani;
ba bak_Cyrl Bashkir; bm bam_Latn Bambara; ban ban_Latn Balinese; be bel_Cyrl Belarusian;
bem bem_Latn Bemba; bn ben_Beng Bengali; bho bho_Deva Bhojpuri; bjn bjn_Arab Banjar;
bjn bjn_Latn Banjar; bo bod_Tibt Tibetan; bs bos_Latn Bosnian; bug bug_Latn Buginese;
bg bul_Cyrl Bulgarian; ca cat_Latn Catalan; ceb ceb_Latn Cebuano; cs ces_Latn Czech;
cjk cjk_Latn Chokwe; ckb ckb_Arab Sorani; crh crh_Latn Crimean Tatar; cy cym_Latn Welsh;
da dan_Latn Danish; de deu_Latn German; din dik_Latn/din Dinka; dyu dyu_Latn Dyula;
dz dzo_Tibt Dzongkha; el ell_Grek Greek; en eng_Latn English; eo epo_Latn Esperanto;
et est_Latn Estonian; eu eus_Latn Basque; ee ewe_Latn Ewe; fo fao_Latn Faroese; fj fij_Latn Fijian;
fi fin_Latn Finnish; fon fon_Latn Fon; fr fra_Latn French; fur fur_Latn Friulian;
ff fuv_Latn/ful Fulfulde; om gaz_Latn/orm Oromo; gd gla_Latn Scottish Gaelic; ga gle_Latn Irish;
gl glg_Latn Galician; gn grn_Latn Guarani; gu guj_Gujr Gujarati; ht hat_Latn Haitian Creole;
ha hau_Latn Hausa; he heb_Hebr Hebrew; hi hin_Deva Hindi; hne hne_Deva Chhattisgarhi;
hr hrv_Latn Croatian; hu hun_Latn Hungarian; hy hye_Armn Armenian; ig ibo_Latn Igbo;
ilo ilo_Latn Ilocano; id ind_Latn Indonesian; is isl_Latn Icelandic; it ita_Latn Italian;
jv jav_Latn Javanese; ja jpn_Jpan Japanese; kab kab_Latn Kabyle; kac kac_Latn Kachin;
kam kam_Latn Kamba; kn kan_Knda Kannada; ks kas_Arab Kashmiri; ks kas_Deva Kashmiri;
ka kat_Geor Georgian; kk kaz_Cyrl Kazakh; kbp kbp_Latn Kabiyè; kea kea_Latn Kabuverdianu;
mn khk_Cyrl/mon Mongolian; km khm_Khmr Khmer; ki kik_Latn Kikuyu; rw kin_Latn Kinyarwanda;
ky kir_Cyrl Kyrgyz; kmb kmb_Latn Kimbundu; ku kmr_Latn/kur Kurmanji; kr knc_Arab/kau Kanuri;
kr knc_Latn/kau Kanuri; kg kon_Latn Kongo; ko kor_Hang Korean; lo lao_Laoo Lao;
lij lij_Latn Ligurian; li lim_Latn Limburgan; ln lin_Latn Lingala; lt lit_Latn Lithuanian;
lmo lmo_Latn Lombard; ltg ltg_Latn Latgalian; lb ltz_Latn Luxembourgish; lua lua_Latn Luba-Lulua;
lg lug_Latn Luganda; luo luo_Latn Luo; lus lus_Latn Mizo; lv lvs_Latn/lav Latvian;
mag mag_Deva Magahi; mai mai_Deva Maithili; ml mal_Mlym Malayalam; mr mar_Deva Marathi;
min min_Arab Minangkabau; min min_Latn Minangkabau; mk mkd_Cyrl Macedonian; mt mlt_Latn Maltese;
mni mni_Beng Meitei; mos mos_Latn Mossi; mi mri_Latn Maori; my mya_Mymr Burmese; nl nld_Latn Dutch;
nn nno_Latn Norwegian Nynorsk; nb nob_Latn Norwegian Bokmål; ne npi_Deva/nep Nepali;
nso nso_Latn Northern Sotho; nus nus_Latn Nuer; ny nya_Latn Chichewa; oc oci_Latn Occitan;
or ory_Orya/ori Odia; pag pag_Latn Pangasinan; pa pan_Guru Punjabi; pap pap_Latn Papiamento;
ps pbt_Arab/pus Pashto; fa pes_Arab/fas Persian; mg plt_Latn/mlg Malagasy; pl pol_Latn Polish;
pt por_Latn Portuguese; prs prs_Arab Dari; qu quy_Latn/que Quechua; ro ron_Latn Romanian;
rn run_Latn Rundi; ru rus_Cyrl Russian; sg sag_Latn Sango; sa san_Deva Sanskrit;
sat sat_Olck Santali; scn scn_Latn Sicilian; shn shn_Mymr Shan; si sin_Sinh Sinhala;
sk slk_Latn Slovak; sl slv_Latn Slovenian; sm smo_Latn Samoan; sn sna_Latn Shona;
sd snd_Arab Sindhi; so som_Latn Somali; st sot_Latn Southern Sotho; es spa_Latn Spanish;
sc srd_Latn Sardinian; sr srp_Cyrl Serbian; ss ssw_Latn Swati; su sun_Latn Sundanese;
sv swe_Latn Swedish; sw swh_Latn/swa Swahili; szl szl_Latn Silesian; ta tam_Taml Tamil;
taq taq_Latn Tamasheq; taq taq_Tfng Tamasheq; tt tat_Cyrl Tatar; te tel_Telu Telugu;
tg tgk_Cyrl Tajik; tl tgl_Latn Tagalog; th tha_Thai Thai; ti tir_Ethi Tigrinya;
tpi tpi_Latn Tok Pisin; tn tsn_Latn Tswana; ts tso_Latn Tsonga; tk tuk_Latn Turkmen;
tum tum_Latn Tumbuka; tr tur_Latn Turkish; tw twi_Latn Twi; tzm tzm_Tfng Central Atlas Tamazight;
ug uig_Arab Uyghur; uk ukr_Cyrl Ukrainian; umb umb_Latn Umbundu; ur urd_Arab Urdu;
uz uzn_Latn/uzb Uzbek; vec vec_Latn Venetian; vi vie_Latn Vietnamese; war war_Latn Waray;
wo wol_Latn Wolof; xh xho_Latn Xhosa; yi ydd_Hebr/yid Yiddish; yo yor_Latn Yoruba;
yue yue_Hant Cantonese; zh zho_Hans Chinese; zh zho_Hant Chinese; ms zsm_Latn/msa Malay;
zu zul_Latn Zulu
"""
